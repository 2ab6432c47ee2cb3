"""What a gate can answer: verdicts, their reasons, and the judgement that carries both."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

ERROR_RATE_WORSE: Final = "ErrorRateWorse"
ERROR_RATE_ACCEPTABLE: Final = "ErrorRateAcceptable"
GATHERING_EVIDENCE: Final = "GatheringEvidence"
SOURCE_DOWN: Final = "SourceDown"
NO_SERIES: Final = "NoSeries"
STALE_SCRAPE: Final = "StaleScrape"
NO_TRAFFIC: Final = "NoTraffic"

REASONS: Final = (
    ERROR_RATE_WORSE,
    ERROR_RATE_ACCEPTABLE,
    GATHERING_EVIDENCE,
    SOURCE_DOWN,
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
    """Requests and how many of them were errors; `errors` never exceeds `requests`."""

    requests: int = 0
    errors: int = 0

    def __add__(self, other: Count) -> Count:
        """Add two disjoint counts."""
        return Count(self.requests + other.requests, self.errors + other.errors)

    @property
    def rate(self) -> float:
        """Share of errors, 0.0 where there was no request."""
        return self.errors / self.requests if self.requests else 0.0


NOTHING: Final = Count()


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer of one gate, with everything the status, the Event and the metric need.

    Counts are of the whole trial (at the decision for a `FAIL`). `log10_*` are the current
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
