"""What a gate can answer: verdicts, their reasons, and the judgement that carries both."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from davylamp.gates.counts import Count
from davylamp.schema.pseudonyms import with_names

GATHERING_EVIDENCE: Final = "GatheringEvidence"
BOTH_FAIL: Final = "BothRevisionsFail"
SOURCE_DOWN: Final = "SourceDown"
BAD_ANSWER: Final = "BadAnswer"
NO_SERIES: Final = "NoSeries"
STALE_SCRAPE: Final = "StaleScrape"
NO_TRAFFIC: Final = "NoTraffic"

NO_DATA: Final = frozenset({SOURCE_DOWN, BAD_ANSWER, NO_SERIES, STALE_SCRAPE, NO_TRAFFIC})
"""Why a gate cannot say anything."""

COMMON_REASONS: Final = (
    GATHERING_EVIDENCE,
    BOTH_FAIL,
    SOURCE_DOWN,
    BAD_ANSWER,
    NO_SERIES,
    STALE_SCRAPE,
    NO_TRAFFIC,
)
"""Reasons of any gate; each kind adds why it fails and why it passes."""


class Verdict(enum.Enum):
    """The four answers of a gate; only `FAIL` may roll a canary back, only `PASS` may promote it.

    `UNDECIDED` means "measured, but not enough yet"; `UNKNOWN` means "could not measure".
    """

    PASS = "Pass"  # noqa: S105
    FAIL = "Fail"
    UNDECIDED = "Undecided"
    UNKNOWN = "Unknown"


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

    def naming(self, declared: Collection[str]) -> Judgement:
        """The judgement with the names that the spec declares instead of their pseudonyms."""
        message, effect = (with_names(text, declared) for text in (self.message, self.effect))
        return replace(self, message=message, effect=effect)
