"""Moves that take a revision out of traffic: no user asked for it, but something is wrong with it."""

from dataclasses import replace
from datetime import datetime

from davylamp.api.gates import OnFail
from davylamp.api.names import Reason
from davylamp.api.status import Candidate, Outcome, Stage
from davylamp.rollout.holds.clocks import paused
from davylamp.rollout.holds.gates import failing
from davylamp.rollout.holds.pods import pods_not_ready, pods_unsettled, unsettled_at_first
from davylamp.rollout.moves.checks import check_unanswered
from davylamp.rollout.moves.drift import drift_unanswered
from davylamp.rollout.moves.endings import roll_back, roll_back_promoted
from davylamp.rollout.moves.gates import baseline_missing_too_long
from davylamp.rollout.notices import Notice
from davylamp.rollout.pods.faults import Fault, hard_fault, readiness_lost
from davylamp.rollout.pods.shortfall import why_not_ready
from davylamp.rollout.pods.state import Workload
from davylamp.rollout.situation import Situation, after, running_time
from davylamp.rollout.stages import IN_TRAFFIC, ON_THE_CLOCK
from davylamp.rollout.wording import named_in_full


def superseded(situation: Situation) -> Situation | None:
    """The spec names another revision now; the candidate is fenced and replaced."""
    candidate, target = situation.status.candidate, situation.observation.target
    if candidate is None or candidate.revision == target.revision:
        return None
    message = f"{named_in_full(candidate)} superseded by {named_in_full(target)}"
    return (
        situation.ended(candidate, Outcome.SUPERSEDED, Reason.SUPERSEDED)
        .remember(candidate=None)
        .with_notice(Notice(Reason.SUPERSEDED, message, candidate.revision))
    )


def candidate_broken(situation: Situation) -> Situation | None:
    """Crash loop, missing image, out of memory, readiness lost: no statistics needed.

    The very first revision has nothing to return to; it is given until its deadline.
    """
    candidate, serving = situation.status.candidate, situation.serving()
    if candidate is None or serving is None:
        return None
    workload = situation.observation.workload(candidate.revision)
    if candidate.stage is Stage.RETURNING:
        # pods that are still warm may have restarted in months of service; ready, they can serve
        workload = replace(workload, pods=tuple(pod for pod in workload.pods if not pod.ready))
    fault = hard_fault(workload)
    if fault is None and candidate.stage in IN_TRAFFIC:
        fault = _readiness_lost_alone(workload, serving, situation.observation.now)
    return roll_back(situation, fault.reason, fault.message) if fault else None


def _readiness_lost_alone(workload: Workload, other: Workload, now: datetime) -> Fault | None:
    """A node that goes away takes pods of both revisions: not the fault of either."""
    return None if readiness_lost(other, now) else readiness_lost(workload, now)


def progress_deadline_over(situation: Situation) -> Situation | None:
    """The pods did not become ready in time, or a check could not be made of them."""
    candidate = situation.status.candidate
    if candidate is None or (candidate.stage in ON_THE_CLOCK and paused(situation, candidate)):
        return None
    since = candidate.unsettled_since if candidate.stage in IN_TRAFFIC else candidate.stage_at
    deadline = after(candidate.plan.progress_deadline)
    if since is None or situation.observation.now - since <= deadline:
        return None
    if pods_not_ready(situation, candidate) or _is_unsettled(situation, candidate):
        return _never_ready(situation, candidate)
    if candidate.stage in IN_TRAFFIC:
        return None
    return (
        check_unanswered(situation, candidate)
        or drift_unanswered(situation, candidate)
        or baseline_missing_too_long(situation, candidate)
    )


def _is_unsettled(situation: Situation, candidate: Candidate) -> bool:
    """Whether its pods have to stay ready at this stage, and have not done so for long enough."""
    rule = pods_unsettled if candidate.stage in IN_TRAFFIC else unsettled_at_first
    return candidate.stage is not Stage.RETURNING and rule(situation, candidate) is not None


def _never_ready(situation: Situation, candidate: Candidate) -> Situation:
    within = f"not ready within {candidate.plan.progress_deadline}"
    missing = situation.observation.missing_secrets
    if missing:
        message = f"{within}: Secret {', '.join(missing)} does not exist"
        return roll_back(situation, Reason.SECRET_MISSING, message)
    workload = situation.observation.workload(candidate.revision)
    if pods_not_ready(situation, candidate):
        why = why_not_ready(workload)
    else:
        seconds = candidate.plan.min_ready_seconds
        why = f"its pods do not stay ready for {seconds} s (spec.rollout.minReadySeconds)"
    return roll_back(situation, Reason.PROGRESS_DEADLINE_EXCEEDED, f"{within}: {why}")


def probation_failed(situation: Situation) -> Situation | None:
    """The promoted revision turns out bad while the one before is still warm.

    Without one warm pod there is nothing to return to yet: that would be an outage.
    """
    previous, serving = situation.status.previous, situation.serving()
    if previous is None or serving is None or situation.status.candidate:
        return None
    warm = situation.observation.workload(previous.revision)
    if not warm.ready:
        return None
    fault = hard_fault(serving) or _readiness_lost_alone(serving, warm, situation.observation.now)
    if fault:
        return roll_back_promoted(situation, fault.reason, fault.message)
    # in the pass that promotes, the gates that only warn or pause have answered too
    plan = situation.observation.rollout
    for name, judgement in failing(situation, plan, serving.revision, OnFail.ROLLBACK):
        return roll_back_promoted(
            situation, Reason.GATE_FAILED, f"gate {name}: {judgement.message}"
        )
    return None


def deadline_over(situation: Situation) -> Situation | None:
    """Not promoted in time, and the plan says to roll back then."""
    candidate = situation.status.candidate
    if candidate is None or candidate.stage not in ON_THE_CLOCK or candidate.promote_requested:
        return None
    plan = candidate.plan
    late = running_time(candidate, situation.observation.now) > after(plan.deadline)
    if not late or plan.on_deadline != "Rollback":
        return None
    return roll_back(situation, Reason.DEADLINE_EXCEEDED, f"not promoted within {plan.deadline}")
