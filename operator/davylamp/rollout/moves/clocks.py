"""Clocks of a rollout: its deadline, which may stand still, and pods that do not stay ready."""

from typing import Final

from davylamp.api.status import Candidate
from davylamp.gates import Verdict
from davylamp.gates.verdicts import BAD_ANSWER, SOURCE_DOWN
from davylamp.rollout.holds.gates import deciding
from davylamp.rollout.holds.pods import pods_not_ready, pods_unsettled
from davylamp.rollout.situation import MAX_STANDSTILL, Situation
from davylamp.rollout.stages import IN_TRAFFIC, ON_THE_CLOCK

UNREADABLE: Final = frozenset({BAD_ANSWER, SOURCE_DOWN})
"""Reasons of a verdict without data that say that the source could not be read at all."""


def unsettled_clock(situation: Situation) -> Situation | None:
    """Since when pods in traffic have been missing or not ready for long enough is remembered."""
    candidate = situation.status.candidate
    if candidate is None or candidate.stage not in IN_TRAFFIC:
        return None
    rules = (pods_not_ready, pods_unsettled)
    unsettled = any(rule(situation, candidate) for rule in rules)
    if unsettled == (candidate.unsettled_since is not None):
        return None
    since = situation.observation.now if unsettled else None
    return situation.with_candidate(unsettled_since=since)


def deadline_clock(situation: Situation) -> Situation | None:
    """The clock stands still while paused, and up to an hour without a source of metrics."""
    candidate, now = situation.status.candidate, situation.observation.now
    if candidate is None or candidate.stage not in ON_THE_CLOCK:
        return None
    since = candidate.stopped_at
    stopped_too_long = candidate.stopped_seconds >= MAX_STANDSTILL.total_seconds()
    may_stand = not stopped_too_long and (since is None or now - since < MAX_STANDSTILL)
    stands = situation.observation.paused or (may_stand and _unreadable(situation, candidate))
    if stands == (since is not None):
        return None
    if since is None:
        return situation.with_candidate(stopped_at=now)
    stood = candidate.stopped_seconds + round((now - since).total_seconds())
    return situation.with_candidate(stopped_at=None, stopped_seconds=stood)


def _unreadable(situation: Situation, candidate: Candidate) -> bool:
    """Whether some gate that decides could not read its source at all."""
    unknown = deciding(situation, candidate, Verdict.UNKNOWN)
    return situation.observation.source_error is not None or any(
        judgement.reason in UNREADABLE for _, judgement in unknown
    )
