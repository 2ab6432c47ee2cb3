"""Clocks of a rollout: its deadline may stand still, pods may not stay ready, and none runs backwards."""

from datetime import datetime, timedelta
from typing import Final

from davylamp.api.status import Candidate
from davylamp.gates import Verdict
from davylamp.gates.verdicts import BAD_ANSWER, SOURCE_DOWN
from davylamp.rollout.holds.gates import deciding
from davylamp.rollout.holds.pods import pods_not_ready, pods_unsettled
from davylamp.rollout.situation import MAX_STANDSTILL, Situation
from davylamp.rollout.stages import IN_TRAFFIC, ON_THE_CLOCK

SKEW: Final = timedelta(seconds=5)
"""By how much moments in the status may lie ahead: clocks of replicas differ a little."""
UNREADABLE: Final = frozenset({BAD_ANSWER, SOURCE_DOWN})
"""Reasons of a verdict without data that say that the source could not be read at all."""


def future_corrected(situation: Situation) -> Situation | None:
    """Moments that another replica's clock put into the future count as of now, or they would never end."""
    return _candidate_corrected(situation) or _probation_corrected(situation)


def _candidate_corrected(situation: Situation) -> Situation | None:
    candidate, now = situation.status.candidate, situation.observation.now
    if candidate is None:
        return None
    moments: dict[str, datetime | None] = {
        "stage_at": candidate.stage_at,
        "step_at": candidate.step_at,
        "stopped_at": candidate.stopped_at,
        "no_data_since": candidate.no_data_since,
        "unsettled_since": candidate.unsettled_since,
    }
    ahead = {name: now for name, at in moments.items() if at is not None and at - now > SKEW}
    return situation.with_candidate(**ahead) if ahead else None


def _probation_corrected(situation: Situation) -> Situation | None:
    """The probation keeps its length."""
    previous, stable, now = (
        situation.status.previous,
        situation.status.stable,
        situation.observation.now,
    )
    if previous is None or stable is None or stable.promoted_at - now <= SKEW:
        return None
    until = previous.until - (stable.promoted_at - now)
    return situation.remember(
        stable=stable.model_copy(update={"promoted_at": now}),
        previous=previous.model_copy(update={"until": until}),
    )


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
