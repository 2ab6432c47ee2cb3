"""Moves that take a revision out of traffic: nobody asked, but something is wrong with it."""

from dataclasses import replace
from datetime import datetime

from davylamp.api.gates import OnFail
from davylamp.api.names import Reason
from davylamp.api.status import Candidate, Outcome, Stage
from davylamp.rollout.attempts import IN_TRAFFIC
from davylamp.rollout.checks import unanswered
from davylamp.rollout.explanations import check_of
from davylamp.rollout.faults import Fault, hard_fault, readiness_lost, why_not_ready
from davylamp.rollout.gating import failing, gate_blind_too_long
from davylamp.rollout.holds.chain import paused
from davylamp.rollout.holds.pods import pods_not_ready
from davylamp.rollout.moves.endings import roll_back, roll_back_promoted
from davylamp.rollout.notices import Notice
from davylamp.rollout.observation import Workload
from davylamp.rollout.situation import ON_THE_CLOCK, Situation, after, running_time


def superseded(situation: Situation) -> Situation | None:
    """The spec names another revision now; the candidate is fenced and replaced."""
    candidate, target = situation.status.candidate, situation.seen.target
    if candidate is None or candidate.revision == target.revision:
        return None
    told = Notice(
        Reason.SUPERSEDED,
        f"{candidate.tag} ({candidate.revision}) gives way to {target.tag} ({target.revision})",
        candidate.revision,
    )
    return (
        situation.ended(candidate, Outcome.SUPERSEDED, Reason.SUPERSEDED)
        .remember(candidate=None)
        .saying(told)
    )


def candidate_broken(situation: Situation) -> Situation | None:
    """Crash loop, missing image, out of memory, readiness lost: no statistics needed.

    The very first revision has nothing to go back to; it is given until its deadline.
    """
    candidate, serving = situation.status.candidate, situation.serving()
    if candidate is None or serving is None:
        return None
    workload = situation.seen.workload(candidate.revision)
    if candidate.stage is Stage.RETURNING:
        # pods that are still warm may have restarted in months of service; ready, they can serve
        workload = replace(workload, pods=tuple(pod for pod in workload.pods if not pod.ready))
    fault = hard_fault(workload)
    if fault is None and candidate.stage in IN_TRAFFIC:
        fault = _readiness_lost_alone(workload, serving, situation.seen.now)
    return roll_back(situation, fault.reason, fault.message) if fault else None


def _readiness_lost_alone(workload: Workload, other: Workload, now: datetime) -> Fault | None:
    """A node that goes away takes pods of both revisions: not the fault of either."""
    return None if readiness_lost(other, now) else readiness_lost(workload, now)


def progress_deadline_over(situation: Situation) -> Situation | None:
    """The pods did not become ready in time, or a check could not be made of them."""
    candidate = situation.status.candidate
    if candidate is None or candidate.stage is Stage.CANARY:
        return None
    if candidate.stage is Stage.PREPARING and paused(situation, candidate):
        return None
    if situation.seen.now - candidate.stage_at <= after(candidate.plan.progress_deadline):
        return None
    within = f"not ready within {candidate.plan.progress_deadline}"
    if pods_not_ready(situation, candidate) is None:
        return (
            unanswered(situation, candidate)
            or _unexplained(situation, candidate)
            or gate_blind_too_long(situation, candidate)
        )
    if situation.seen.missing_secrets:
        names = ", ".join(situation.seen.missing_secrets)
        return roll_back(
            situation, Reason.SECRET_MISSING, f"{within}: Secret {names} does not exist"
        )
    why = why_not_ready(situation.seen.workload(candidate.revision))
    return roll_back(situation, Reason.PROGRESS_DEADLINE_EXCEEDED, f"{within}: {why}")


def _unexplained(situation: Situation, candidate: Candidate) -> Situation | None:
    """The pods are ready, and the job that has to look at their explanations gave no answer."""
    check = check_of(situation, candidate)
    if check is None or check.verdict != "Unknown":
        return None
    within = f"not passed within {candidate.plan.progress_deadline}"
    return roll_back(
        situation, Reason.CHECK_FAILED, f"check {check.name}: {within}: {check.message}"
    )


def drift_found(situation: Situation) -> Situation | None:
    """The candidate's explanations of recent traffic are not those of its training."""
    candidate = situation.status.candidate
    check = check_of(situation, candidate) if candidate else None
    if check is None or check.verdict != "Fail":
        return None
    return roll_back(situation, Reason.CHECK_FAILED, f"check {check.name}: {check.message}")


def gate_failed(situation: Situation) -> Situation | None:
    """The evidence says that the candidate is worse.

    Without one ready pod of stable there is nothing to go back to: that would be an outage.
    """
    candidate, serving = situation.status.candidate, situation.serving()
    if candidate is None or candidate.stage not in IN_TRAFFIC:
        return None
    if serving is None or not serving.ready:
        return None
    for name, judgement in failing(situation, candidate.plan, candidate.revision, OnFail.ROLLBACK):
        return roll_back(situation, Reason.GATE_FAILED, f"gate {name}: {judgement.message}")
    return None


def probation_failed(situation: Situation) -> Situation | None:
    """The promoted revision turns out bad while the one before is still warm.

    Without one warm pod there is nothing to go back to yet: going back would be an outage.
    """
    previous, serving = situation.status.previous, situation.serving()
    if previous is None or serving is None or situation.status.candidate:
        return None
    warm = situation.seen.workload(previous.revision)
    if not warm.ready:
        return None
    fault = hard_fault(serving) or _readiness_lost_alone(serving, warm, situation.seen.now)
    if fault:
        return roll_back_promoted(situation, fault.reason, fault.message)
    # in the pass that promotes, the gates that only warn or pause have answered too
    plan = situation.seen.rollout
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
    late = running_time(candidate, situation.seen.now) > after(plan.deadline)
    if not late or plan.on_deadline != "Rollback":
        return None
    return roll_back(situation, Reason.DEADLINE_EXCEEDED, f"not promoted within {plan.deadline}")
