"""What a gate can answer: verdicts, their reasons, and the judgement that carries both."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ERROR_RATE_WORSE: Final = "ErrorRateWorse"
ERROR_RATE_ACCEPTABLE: Final = "ErrorRateAcceptable"
LATENCY_WORSE: Final = "LatencyWorse"
LATENCY_ACCEPTABLE: Final = "LatencyAcceptable"
PREDICTIONS_DIFFER: Final = "PredictionsDiffer"
PREDICTIONS_ALIKE: Final = "PredictionsAlike"
EXPLANATIONS_DIFFER: Final = "ExplanationsDiffer"
EXPLANATIONS_ALIKE: Final = "ExplanationsAlike"
GROUP_GAP_WORSE: Final = "GroupGapWorse"
GROUP_GAP_ACCEPTABLE: Final = "GroupGapAcceptable"
QUERY_OUT_OF_BOUNDS: Final = "QueryOutOfBounds"
QUERY_WITHIN_BOUNDS: Final = "QueryWithinBounds"
GATHERING_EVIDENCE: Final = "GatheringEvidence"
BOTH_FAIL: Final = "BothRevisionsFail"
SOURCE_DOWN: Final = "SourceDown"
BAD_ANSWER: Final = "BadAnswer"
NO_SERIES: Final = "NoSeries"
STALE_SCRAPE: Final = "StaleScrape"
NO_TRAFFIC: Final = "NoTraffic"

NO_DATA: Final = frozenset({SOURCE_DOWN, BAD_ANSWER, NO_SERIES, STALE_SCRAPE, NO_TRAFFIC})
"""Why a gate cannot say anything."""

REASONS: Final = (
    ERROR_RATE_WORSE,
    ERROR_RATE_ACCEPTABLE,
    LATENCY_WORSE,
    LATENCY_ACCEPTABLE,
    PREDICTIONS_DIFFER,
    PREDICTIONS_ALIKE,
    EXPLANATIONS_DIFFER,
    EXPLANATIONS_ALIKE,
    GROUP_GAP_WORSE,
    GROUP_GAP_ACCEPTABLE,
    QUERY_OUT_OF_BOUNDS,
    QUERY_WITHIN_BOUNDS,
    GATHERING_EVIDENCE,
    BOTH_FAIL,
    SOURCE_DOWN,
    BAD_ANSWER,
    NO_SERIES,
    STALE_SCRAPE,
    NO_TRAFFIC,
)


class Verdict(enum.Enum):
    """The four answers of a gate; only `FAIL` may roll a canary back, only `PASS` may promote it.

    `UNDECIDED` means "measured, but not enough yet"; `UNKNOWN` means "could not measure".
    """

    PASS = "Pass"  # noqa: S105
    FAIL = "Fail"
    UNDECIDED = "Undecided"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Count:
    """Requests, how many of them were errors, and the parts of a channel; see `Channel`.

    `errors` never exceeds `requests`.
    """

    requests: int = 0
    errors: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Count) -> Count:
        """Add two disjoint counts."""
        return Count(
            self.requests + other.requests,
            self.errors + other.errors,
            _sum(self.parts, other.parts),
        )

    @property
    def rate(self) -> float:
        """Share of errors, 0.0 where there was no request."""
        return self.errors / self.requests if self.requests else 0.0

    def part(self, name: str) -> float:
        """One part, 0.0 where it is not there."""
        return self.parts.get(name, 0.0)


def _sum(a: Mapping[str, float], b: Mapping[str, float]) -> Mapping[str, float]:
    if not a or not b:
        return a or b
    return {name: a.get(name, 0.0) + b.get(name, 0.0) for name in {**a, **b}}


NOTHING: Final = Count()


@dataclass(frozen=True, slots=True)
class Pair:
    """The counts of both revisions over the same time."""

    candidate: Count = NOTHING
    stable: Count = NOTHING

    def __add__(self, other: Pair) -> Pair:
        """Add what happened over another time."""
        return Pair(self.candidate + other.candidate, self.stable + other.stable)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer of one gate, with everything the status, the Event and the metric need.

    `effect` is the size of the difference with its uncertainty, `strength` the evidence in words. Counts are of the whole trial (at the decision for a `FAIL`). `log10_*` are the current
    evidence (decimal logs of the e-values; 0.0 for the classic threshold rule), `blocks` the
    blocks or windows judged so far, `requests_needed` an estimate of the further canary requests
    (None where it cannot be said), `decided_at` the epoch second of the sample that decided.
    """

    verdict: Verdict
    reason: str
    message: str
    candidate: Count
    stable: Count
    log10_rollback: float = 0.0
    log10_promote: float = 0.0
    requests_needed: int | None = None
    blocks: int = 0
    decided_at: float | None = None
    effect: str = ""
    strength: str = ""
