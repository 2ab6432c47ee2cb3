"""What a gate remembers, and what the fold hands to its rule: one moment, one closed block."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from davylamp.gates.counts import NOTHING, Count, Pair
from davylamp.gates.evidence.e_process import LogEValues
from davylamp.gates.evidence.overdispersion import Survey
from davylamp.gates.samples import PodIncrement, PodKey, Sample, Scraped

WRONG_ACCOUNT: Final = "this state belongs to a trial under another rule"
_Account = TypeVar("_Account")


@dataclass(frozen=True)
class GateState:
    """Everything a gate remembers between two calls; callers keep it and never look inside.

    It is a pure function of the trial and of the samples up to the watermark, so it may be thrown
    away and rebuilt from the source at any time. `account` is the rule's own part.
    """

    account: object
    watermark: float = -math.inf
    pending: tuple[Scraped, ...] = ()
    last: Mapping[PodKey, Sample] = field(default_factory=dict)
    first: Mapping[PodKey, float] = field(default_factory=dict)
    """When each pod was first scraped."""
    survey: Survey = field(default_factory=Survey)
    """What stable did before the trial."""
    candidate: Count = NOTHING
    stable: Count = NOTHING
    last_request_at: float = -math.inf

    @property
    def counted(self) -> Pair:
        """What both revisions did since the start of the trial."""
        return Pair(self.candidate, self.stable)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment (epoch seconds), and each pod's last sample up to it."""

    now: float
    last: Mapping[PodKey, Sample]


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment of the history: its increments, every pod's last sample, the totals so far."""

    at: float
    increments: Sequence[PodIncrement]
    last: Mapping[PodKey, Sample]
    candidate: Count
    stable: Count
    survey: Survey = Survey()  # noqa: RUF009 - frozen

    @property
    def moment(self) -> Moment:
        """When it is, and when each pod was last scraped."""
        return Moment(self.at, self.last)


@dataclass(frozen=True, slots=True)
class Closing:
    """A closed block in which both revisions served, and the evidence after it."""

    at: float
    block: Pair
    total: Pair
    levels: LogEValues


def own(account: object, expected: type[_Account]) -> _Account:
    """A rule's own account.

    Raises:
        TypeError: it is that of another rule.
    """
    if not isinstance(account, expected):
        raise TypeError(WRONG_ACCOUNT)
    return account
