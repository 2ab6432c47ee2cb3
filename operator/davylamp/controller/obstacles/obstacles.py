"""What stands in the way of a ModelDeployment's writes: since when, what is told, when it is tried again.

Kept in memory only: a new leader meets the same obstacles again within a pass. All times are the
operator's own.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from davylamp.adapters.errors import Forbidden, NamespaceEnding, OperatorError, Retryable, Terminal
from davylamp.api.names import Reason
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.owning.ownership import StillGoing
from davylamp.controller.cluster.writes import (
    Blocked,
    Fence,
    ManifestWrite,
    Write,
    WriteKey,
    WriteStep,
)
from davylamp.controller.obstacles.refusals import Refusal, refusal_of, where_to_look
from davylamp.rollout.report.obstruction import Obstruction
from davylamp.schema.json import JsonObject

PASSING: Final = timedelta(seconds=5)
"""How long a failure that may pass by itself is nobody's business."""
FENCE_PASSING: Final = timedelta(seconds=2)
"""The same of a fence."""
LONGEST_WAIT: Final = 30.0
"""Seconds after which a refused write is tried again at the latest."""
FENCE_AGAIN: Final = 2.0
"""The same of a fence."""
GONE_AGAIN: Final = 1.0
"""The same of one that waits for an object to be gone."""
TELL_SOON: Final = 0.1
"""Seconds until the pass that tells what was refused after another had written its status."""
TELL_AGAIN: Final = 10.0
"""The same where that was done lately: what comes and goes must not spin."""
EVENT_AGAIN: Final = timedelta(hours=1)
"""After which an obstacle that lasts gets another Event, about when the first one expires."""
_GONE: Final = timedelta(minutes=1)
"""How long an obstacle must have been gone for its return to be news."""
_IN_NO_WAY: Final = frozenset({WriteStep.SHRINK, WriteStep.NIGHTLY})
"""Steps whose obstacles keep no revision from serving."""
_UNSHOWN: Final = frozenset({WriteStep.EVENTS})
"""What no condition tells: Events that are missing show in metric and log."""
_MAY_PASS: Final = frozenset({Reason.WRITE_FAILING, Reason.FENCE_REFUSED, Reason.AWAITING_DELETION})
"""What nobody has to clear away as long as it does not last."""
_GRAVITY: Final = (
    Reason.FENCE_REFUSED,
    Reason.CREATION_LOOP,
    Reason.NAME_TAKEN,
    Reason.INVALID_SPEC,
    Reason.WRITE_REFUSED,
    Reason.WRITE_FAILING,
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One write that is refused."""

    write: WriteKey
    refusal: Refusal
    is_lasting: bool
    """Whether somebody has to clear it away."""
    by: str
    since: datetime
    again_at: datetime
    tries: int = 1
    sent: JsonObject | None = None
    """What was sent: another content is tried at once."""
    out: tuple[str, ...] = ()
    """Revisions that a fence should have stopped."""
    instead: str = ""
    """What was done in its place."""
    is_closed: bool = False
    """Whether what serves gets no traffic because of it."""
    is_quiet: bool = False
    """Whether it is nobody's business, as the namespace is going away."""

    @property
    def signature(self) -> tuple[Reason, str]:
        """By what it counts as the same obstacle, whichever objects it hits."""
        return self.refusal.reason, self.by

    def is_told(self, now: datetime) -> bool:
        """Whether it has lasted long enough to be told."""
        return not self.is_quiet and now >= self.told_from

    @property
    def told_from(self) -> datetime:
        """From when on it is told."""
        if self.is_lasting:
            return self.since
        return self.since + (FENCE_PASSING if self.write.step is WriteStep.FENCE else PASSING)


class Announcement(NamedTuple):
    """One obstacle in one sentence, for an Event: whatever it hits."""

    reason: Reason
    message: str
    signature: tuple[Reason, str]


@dataclass(frozen=True, slots=True)
class _Announced:
    """When an obstacle had its Event, and when it was there last."""

    at: datetime
    last: datetime


class Obstacles:
    """Refused writes, by ModelDeployment."""

    def __init__(self) -> None:
        self._known: dict[Key, dict[WriteKey, Obstacle]] = {}
        self._announced: dict[Key, dict[tuple[Reason, str], _Announced]] = {}
        self._told_at: dict[Key, datetime] = {}

    def of(self, key: Key) -> list[Obstacle]:
        """All that are known, the gravest first."""
        known = self._known.get(key, {}).values()
        return sorted(known, key=lambda o: (_gravity(o), o.write.step, o.since))

    def note(self, key: Key, write: Write, error: OperatorError, now: datetime) -> bool:
        """Remember that a write was refused; True if that is new, or refused by another."""
        sent = write.manifest if isinstance(write, ManifestWrite) else None
        known = self._known.setdefault(key, {})
        before = known.get(write.key)
        known[write.key] = _obstacle(write, error, sent, now, before)
        return before is None or before.signature != known[write.key].signature

    def note_second_way(self, key: Key, write: Fence, instead: str) -> None:
        """Remember what was done instead of a fence; empty where there was nothing more to do."""
        known = self._known[key]
        if instead:
            known[write.key] = replace(known[write.key], instead=instead)

    def clear(self, key: Key, write: WriteKey) -> None:
        """Forget the obstacle of a write that was made."""
        self._known.get(key, {}).pop(write, None)

    def keep(self, key: Key, writes: Collection[WriteKey]) -> None:
        """Forget the obstacles of writes that are not wanted any more."""
        known = self._known.get(key, {})
        for write in known.keys() - set(writes):
            del known[write]

    def waits(self, key: Key, write: Write, now: datetime) -> bool:
        """Whether a write was refused so recently that it is not tried again yet."""
        known = self._known.get(key, {}).get(write.key)
        is_urgent = write.step in {WriteStep.FENCE, WriteStep.STATUS}
        if known is None or is_urgent or isinstance(write, Blocked):
            return False
        sent = write.manifest if isinstance(write, ManifestWrite) else None
        return known.sent == sent and now < known.again_at

    def lasting(self, key: Key, now: datetime) -> set[WriteKey]:
        """Writes that have been refused for so long that it is told."""
        return {obstacle.write for obstacle in self._told(key, now)}

    def obstruction(self, key: Key, now: datetime) -> Obstruction | None:
        """What the status says; None while there is nothing to tell."""
        shown = [o for o in self._told(key, now) if o.write.step not in _UNSHOWN]
        if not shown:
            return None
        stalling = [o for o in shown if o.is_lasting and o.write.step not in _IN_NO_WAY]
        first = (stalling or shown)[0]
        rest = [o for o in shown if o is not first]
        return Obstruction(
            first.refusal.reason,
            _sentence(first, rest, key.namespace),
            stalls=bool(stalling),
            keeps_from_serving=any(obstacle.is_closed for obstacle in shown),
        )

    def counted(self, key: Key, now: datetime) -> dict[Reason, int]:
        """How many objects cannot be written, by reason, for the metric."""
        reasons = [o.refusal.reason for o in self._told(key, now)]
        return {reason: reasons.count(reason) for reason in reasons}

    def announcements(self, key: Key, now: datetime) -> list[Announcement]:
        """What is news: each obstacle once, and again after long."""
        announced = self._announced.setdefault(key, {})
        for signature in [s for s, known in announced.items() if now - known.last > _GONE]:
            del announced[signature]
        groups: dict[tuple[Reason, str], list[Obstacle]] = {}
        for obstacle in self._told(key, now):
            groups.setdefault(obstacle.signature, []).append(obstacle)
        news = []
        for signature, (first, *rest) in groups.items():
            known = announced.get(signature)
            if known is None or now - known.at >= EVENT_AGAIN:
                sentence = _sentence(first, rest, key.namespace)
                news.append(Announcement(first.refusal.reason, sentence, signature))
                known = _Announced(now, now)
            announced[signature] = replace(known, last=now)
        return news

    def not_announced(self, key: Key, announcement: Announcement) -> None:
        """An Event was refused: it is news in the next pass too."""
        self._announced.get(key, {}).pop(announcement.signature, None)

    def due_in(self, key: Key, now: datetime) -> float | None:
        """Seconds until a refused write is tried again, or an obstacle has to be told."""
        moments = [o.again_at for o in self.of(key)]
        moments += [o.told_from for o in self.of(key) if not o.is_quiet and o.told_from > now]
        return max(0.1, (min(moments) - now).total_seconds()) if moments else None

    def tell_in(self, key: Key, now: datetime) -> float:
        """Seconds until the status says what it does not say yet."""
        last = self._told_at.get(key)
        if last is not None and (now - last).total_seconds() < TELL_AGAIN:
            return TELL_AGAIN - (now - last).total_seconds()
        self._told_at[key] = now
        return TELL_SOON

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._known.pop(key, None)
        self._announced.pop(key, None)
        self._told_at.pop(key, None)

    def _told(self, key: Key, now: datetime) -> list[Obstacle]:
        return [obstacle for obstacle in self.of(key) if obstacle.is_told(now)]


def _obstacle(
    write: Write,
    error: OperatorError,
    sent: JsonObject | None,
    now: datetime,
    known: Obstacle | None,
) -> Obstacle:
    """An obstacle that is new, or is there again."""
    tries = known.tries + 1 if known and known.sent == sent else 1
    is_lasting = isinstance(error, Terminal | Forbidden)
    refusal = refusal_of(error, sent)
    out = (write.stops if isinstance(write, Fence) else ()) or (known.out if known else ())
    if out:
        refusal = Refusal(Reason.FENCE_REFUSED, refusal.message)
    return Obstacle(
        write.key,
        refusal,
        is_lasting=is_lasting or refusal.reason not in _MAY_PASS,
        by=error.by,
        since=known.since if known else now,
        again_at=now + timedelta(seconds=_wait(write, error, tries)),
        tries=tries,
        sent=sent,
        out=out,
        instead=known.instead if known else "",
        is_closed=write.opens,
        is_quiet=isinstance(error, NamespaceEnding),
    )


def _wait(write: Write, error: OperatorError, tries: int) -> float:
    """Seconds until a write is tried again: twice as long after each failure, up to a limit.

    What waits for an object to be gone asks nobody, and is made as soon as it is.
    """
    if isinstance(error, StillGoing):
        return GONE_AGAIN
    longest = FENCE_AGAIN if write.step is WriteStep.FENCE else LONGEST_WAIT
    asked = error.after if isinstance(error, Retryable) and error.after else 0.0
    return min(max(2.0 ** min(tries - 1, 16), asked), LONGEST_WAIT if asked else longest)


def _gravity(obstacle: Obstacle) -> int:
    reason = obstacle.refusal.reason
    return _GRAVITY.index(reason) if reason in _GRAVITY else 1


def _sentence(first: Obstacle, rest: Iterable[Obstacle], namespace: str) -> str:
    """What is refused, by whom, and what else is; what was done instead of a fence, where to look."""
    name = f"{first.write.kind} {first.write.name}"
    shut = f"{name} cannot be made to shut {', '.join(first.out)} out" if first.out else ""
    parts = [shut, first.instead, first.refusal.message]
    others = dict.fromkeys(f"{o.write.kind} {o.write.name}".rstrip() for o in rest)
    others.pop(name, None)
    if others:
        parts.append(f"refused as well: {', '.join(others)}")
    if where := where_to_look(first.by, namespace):
        parts.append(f"see {where}")
    return "; ".join(filter(None, parts))
