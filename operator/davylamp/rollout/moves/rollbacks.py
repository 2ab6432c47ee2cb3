"""Moves that take a revision out of traffic: no user asked for it, but something is wrong with it."""

from datetime import timedelta

from davylamp.api.gates import OnFail
from davylamp.api.names import Reason
from davylamp.api.status import Candidate, Outcome, Stage
from davylamp.rollout.holds.clocks import paused
from davylamp.rollout.holds.gates import failing
from davylamp.rollout.holds.images import image_rejection
from davylamp.rollout.holds.patience import patience_since, period_of
from davylamp.rollout.holds.pods import pods_not_ready, pods_unsettled, unsettled_at_first
from davylamp.rollout.moves.checks import check_unanswered
from davylamp.rollout.moves.drift import drift_unanswered
from davylamp.rollout.moves.endings import roll_back, roll_back_promoted
from davylamp.rollout.moves.gates import baseline_missing_too_long
from davylamp.rollout.notices import Notice
from davylamp.rollout.pods.blame import is_troubled, own_fault
from davylamp.rollout.pods.faults import Fault, start_fault
from davylamp.rollout.pods.patience import (
    had_its_time,
    image_refused,
    pods_at_fault,
    pods_unsteady,
)
from davylamp.rollout.pods.service import Period, service_faults
from davylamp.rollout.pods.shortfall import shortfall
from davylamp.rollout.pods.state import PodState, Workload
from davylamp.rollout.situation import Situation, after, is_over, running_time
from davylamp.rollout.stages import IN_TRAFFIC, ON_THE_CLOCK
from davylamp.rollout.wording import named_in_full, with_command


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
    """Crash loop, out of memory, readiness lost in traffic; an image that cannot be had at any time.

    The very first revision has nothing to return to; it is given until its deadline.
    """
    candidate, serving = situation.status.candidate, situation.serving()
    if candidate is None or serving is None:
        return None
    now = situation.observation.now
    workload = situation.observation.workload(candidate.revision)
    if candidate.stage in IN_TRAFFIC:
        if workload.ready and not serving.ready:
            return None  # it is all that serves: without it there would be an outage
        faults = service_faults(workload, period_of(situation, candidate))
        fault = own_fault(faults, workload, serving, now)
    else:
        fault = image_refused(workload, now)
    if fault is None:
        return None
    return roll_back(situation, fault.reason, fault.sentence(situation.namespace))


def progress_deadline_over(situation: Situation) -> Situation | None:
    """The pods did not become ready in time, or a check could not be made of them."""
    candidate = situation.status.candidate
    if candidate is None or (candidate.stage in ON_THE_CLOCK and paused(situation, candidate)):
        return None
    since = patience_since(candidate)
    if since is None or not is_over(situation, since, candidate.plan.progress_deadline):
        return None
    rejection = image_rejection(situation, candidate)
    if rejection:
        return roll_back(situation, *rejection)
    if pods_not_ready(situation, candidate):
        return _never_ready(situation, candidate)
    if candidate.stage in IN_TRAFFIC:
        return _never_settled(situation, candidate)
    workload = situation.observation.workload(candidate.revision)
    deadline = after(candidate.plan.progress_deadline)
    if not had_its_time(workload, situation.observation.now, deadline):
        return None  # its pods came late, and can be asked only now
    return (
        _never_settled(situation, candidate)
        or check_unanswered(situation, candidate)
        or drift_unanswered(situation, candidate)
        or baseline_missing_too_long(situation, candidate)
    )


def _never_ready(situation: Situation, candidate: Candidate) -> Situation | None:
    """Its pods had all the time that the plan gives them, and nothing but themselves in their way.

    Else they are waited for: nothing is at risk, and `holds.patience` says what keeps them.
    """
    workload = situation.observation.workload(candidate.revision)
    deadline = candidate.plan.progress_deadline
    pods = pods_at_fault(workload, situation.observation.now, after(deadline))
    if not pods or situation.observation.missing_secrets or _is_shared(situation, workload, pods):
        return None
    within, fault = f"not ready within {deadline}", start_fault(pods)
    if fault:
        return roll_back(
            situation, fault.reason, f"{within}: {fault.sentence(situation.namespace)}"
        )
    why, command = shortfall(Workload(workload.revision, len(pods), pods))
    message = with_command(f"{within}: {why}", command, situation.namespace)
    return roll_back(situation, Reason.PROGRESS_DEADLINE_EXCEEDED, message)


def _never_settled(situation: Situation, candidate: Candidate) -> Situation | None:
    """Its pods have to stay ready at this stage, and have not done so for long enough."""
    rule = pods_unsettled if candidate.stage in IN_TRAFFIC else unsettled_at_first
    if candidate.stage is Stage.RETURNING or rule(situation, candidate) is None:
        return None
    now, workload = situation.observation.now, situation.observation.workload(candidate.revision)
    seconds, deadline = candidate.plan.min_ready_seconds, candidate.plan.progress_deadline
    pods = pods_unsteady(workload, now, after(deadline), min_ready=timedelta(seconds=seconds))
    if not pods or _is_shared(situation, workload, pods):
        return None
    why = f"its pods do not stay ready for {seconds} s (spec.rollout.minReadySeconds)"
    message = f"not ready within {deadline}: {why}"
    return roll_back(situation, Reason.PROGRESS_DEADLINE_EXCEEDED, message)


def _is_shared(situation: Situation, workload: Workload, pods: tuple[PodState, ...]) -> bool:
    """Whether stable's pods are in trouble as well."""
    serving, now = situation.serving(), situation.observation.now
    if serving is None:
        return False
    return is_troubled(serving, now, against=len(pods), of=len(workload.living))


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
    fault, plan = _fault_in_probation(situation, serving, warm), situation.observation.rollout
    if fault:
        message = fault.sentence(situation.namespace)
        return roll_back_promoted(situation, fault.reason, message)
    # in the pass that promotes, the gates that only warn or pause have answered too
    for name, judgement in failing(situation, plan, serving.revision, OnFail.ROLLBACK):
        return roll_back_promoted(
            situation, Reason.GATE_FAILED, f"gate {name}: {judgement.message}"
        )
    return None


def _fault_in_probation(situation: Situation, serving: Workload, warm: Workload) -> Fault | None:
    """What is wrong with the promoted revision alone.

    The one before has no traffic any more, so what its pods showed while they had it counts; but
    nothing excuses a revision without any ready pod, as the other one is ready.
    """
    stable, now = situation.status.stable, situation.observation.now
    promoted_at = stable.promoted_at if stable else now
    patience = after(situation.observation.rollout.progress_deadline)
    faults = service_faults(serving, Period(now, promoted_at, patience))
    if faults and not serving.ready:
        return faults[0].fault
    return own_fault(faults, serving, warm, now, both_served_until=promoted_at)


def deadline_over(situation: Situation) -> Situation | None:
    """Not promoted in time, and the plan says to roll back then."""
    candidate = situation.status.candidate
    if candidate is None or candidate.stage is not Stage.CANARY or candidate.promote_requested:
        return None
    plan, now = candidate.plan, situation.observation.now
    began = now - running_time(candidate, now)
    if plan.on_deadline != "Rollback" or not is_over(situation, began, plan.deadline):
        return None
    return roll_back(situation, Reason.DEADLINE_EXCEEDED, f"not promoted within {plan.deadline}")
