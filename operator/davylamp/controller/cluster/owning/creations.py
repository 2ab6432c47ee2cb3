"""How often one object may be made anew: whatever goes wrong, nothing is created in a loop.

Something may delete what we make, or change it so that we do not recognise it: the garbage collector,
a policy, another controller. Each new Deployment is a full set of pods, so a loop fills nodes within a
minute. What is made again and again is therefore made a few times, and then seldom.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from davylamp.adapters.errors import Forbidden
from davylamp.api.names import Reason
from davylamp.controller.cluster.cache import Key
from davylamp.rollout.wording import kubectl
from davylamp.schema.quantities import spoken


class Bound(NamedTuple):
    """At most so many creations within a time."""

    creations: int
    within: timedelta


PER_OBJECT: Final = (Bound(5, timedelta(minutes=1)), Bound(20, timedelta(hours=1)))
"""For one kind and name."""
ALTOGETHER: Final = (Bound(60, timedelta(minutes=1)),)
"""For one ModelDeployment."""
_LONGEST: Final = max(bound.within for bound in (*PER_OBJECT, *ALTOGETHER))


class CreationLoop(Forbidden):
    """An object was made so often that making it again would do harm."""

    reason = Reason.CREATION_LOOP.value


class _Creation(NamedTuple):
    at: datetime
    kind: str
    name: str


class Creations:
    """What was created lately, by ModelDeployment.

    Args:
        clock: the time.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._made: dict[Key, deque[_Creation]] = {}

    def admit(self, key: Key, kind: str, name: str) -> None:
        """Make sure that an object may be made once more.

        Raises:
            CreationLoop: it would be one too many.
        """
        now = self._clock()
        made = self._made.get(key, deque())
        while made and now - made[0].at > _LONGEST:
            made.popleft()
        of_this = [c.at for c in made if (c.kind, c.name) == (kind, name)]
        error = _exceeded(of_this, PER_OBJECT, now, f"{kind} {name} was", key) or _exceeded(
            [c.at for c in made], ALTOGETHER, now, "objects of this ModelDeployment were", key
        )
        if error is not None:
            raise error

    def note(self, key: Key, kind: str, name: str) -> None:
        """Count an object that was made."""
        self._made.setdefault(key, deque()).append(_Creation(self._clock(), kind, name))

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._made.pop(key, None)


def _exceeded(
    times: list[datetime], bounds: tuple[Bound, ...], now: datetime, what: str, key: Key
) -> CreationLoop | None:
    """Why nothing may be made now, if it may not."""
    for bound in bounds:
        recent = [at for at in times if now - at < bound.within]
        if len(recent) >= bound.creations:
            again = recent[-bound.creations] + bound.within
            why = kubectl("get events --sort-by=.lastTimestamp", key.namespace)
            wait = (again - now).total_seconds()
            return CreationLoop(
                f"{what} made {len(recent)} times within {spoken(bound.within.total_seconds())} and "
                f"is not there: something deletes or changes it; it is made again at "
                f"{again:%H:%M:%SZ}. What happened to it: {why}",
                wait,
            )
    return None
