"""Which release of the operator looks after an object: two of them never write against each other.

A release claims an object with the first status that it writes. Another one that watches the same
object asks in the status whether the first still lives; whoever lives answers with its next pass,
at once, as its watch tells it of the question. Only a claim without an answer is taken over. So
nothing is written while all is idle, and no release needs to read anything of another one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final, NamedTuple

from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.cluster.cache import Key

ANSWER_WITHIN: Final = timedelta(minutes=1)
"""How long a release may take to answer: it may be restarting."""
ASK_AGAIN: Final = timedelta(minutes=5)
"""How long an answer counts, unless something is to be done that nobody does."""


class Stance(Enum):
    """What a release has to do with an object."""

    ACTS = auto()
    TAKES_OVER = auto()
    ASKS = auto()
    WAITS = auto()
    YIELDS = auto()


class Standing(NamedTuple):
    """The stance of this release, and when that may change without a word from any watch."""

    stance: Stance
    again_in: float | None = None
    """Seconds."""
    is_news: bool = False
    """Whether it yields for the first time."""


class Claims:
    """Remembers which releases were asked, and when they answered; by our own clock.

    Args:
        release: this one: namespace and name of its Lease.
        clock: the time.
    """

    def __init__(self, release: str, clock: Callable[[], datetime]) -> None:
        self.release: Final = release
        self._clock = clock
        self._asked: dict[Key, datetime] = {}
        self._answered: dict[Key, datetime] = {}

    def standing(self, key: Key, status: ModelDeploymentStatus, generation: int) -> Standing:
        """What we have to do with an object, by the claim in its status.

        Args:
            key: the object.
            status: as it is stored.
            generation: of its spec. One that is not looked at is a reason to ask again soon.
        """
        claim, is_behind = status.operator, status.observed_generation < generation
        if claim is None or claim.release == self.release:
            self.forget(key)
            return Standing(Stance.ACTS)
        now = self._clock()
        if claim.contender == self.release:
            left = self._asked.setdefault(key, now) + ANSWER_WITHIN - now
            if left <= timedelta():
                return Standing(Stance.TAKES_OVER)
            return Standing(Stance.WAITS, left.total_seconds())
        is_news = key not in self._answered
        if self._asked.pop(key, None) is not None:
            self._answered[key] = now
        counts = ANSWER_WITHIN if is_behind else ASK_AGAIN
        rest = (self._answered.get(key, now - counts) + counts - now).total_seconds()
        if rest <= 0:
            return Standing(Stance.ASKS, ANSWER_WITHIN.total_seconds())
        is_waited_for = is_behind or status.candidate is not None
        return Standing(Stance.YIELDS, rest if is_waited_for else None, is_news)

    def asked(self, key: Key) -> None:
        """The question is in the status."""
        self._asked[key] = self._clock()

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone, or ours."""
        self._asked.pop(key, None)
        self._answered.pop(key, None)
