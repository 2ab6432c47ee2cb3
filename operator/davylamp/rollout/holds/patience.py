"""Holds about pods that something other than their revision keeps from serving: it is not rejected for that."""

from datetime import datetime

from davylamp.api.names import Command, Reason
from davylamp.api.status import Candidate
from davylamp.rollout.holds.hold import Hold, how_to
from davylamp.rollout.holds.pods import pods_needed, pods_not_ready, return_not_ready
from davylamp.rollout.pods.blame import own_fault
from davylamp.rollout.pods.patience import is_kept_waiting, pods_at_fault
from davylamp.rollout.pods.service import Period, service_faults
from davylamp.rollout.pods.shortfall import why_and_where
from davylamp.rollout.situation import Situation, after, is_over
from davylamp.rollout.stages import IN_TRAFFIC


def period_of(situation: Situation, candidate: Candidate) -> Period:
    """The time in which a candidate's pods are judged in traffic."""
    return Period(
        situation.observation.now,
        candidate.canary_at or candidate.stage_at,
        after(candidate.plan.progress_deadline),
    )


def patience_since(candidate: Candidate) -> datetime | None:
    """Since when its pods have been waited for; None in traffic where none is missing."""
    return candidate.unsettled_since if candidate.stage in IN_TRAFFIC else candidate.stage_at


def pods_late(situation: Situation, candidate: Candidate) -> Hold | None:
    """The progress deadline is over, and it is not the revision that keeps its pods from being ready."""
    deadline, since = candidate.plan.progress_deadline, patience_since(candidate)
    if since is None or not is_over(situation, since, deadline):
        return None
    if not pods_not_ready(situation, candidate):
        return None
    workload = situation.observation.workload(candidate.revision)
    needed = pods_needed(situation, candidate)
    kept = is_kept_waiting(workload, needed)
    if not kept and not pods_at_fault(workload, situation.observation.now, after(deadline)):
        return None  # what kept it is gone, and its own time runs
    why = why_and_where(workload, situation.namespace)
    return Hold(
        Reason.PROGRESS_DEADLINE_EXCEEDED,
        f"{workload.lasting} of {needed} pods ready after {deadline}: {why}. "
        "This is not held against the revision: it goes on by itself once its pods are ready; "
        f"to stop waiting: {how_to(Command.ABORT, situation, candidate)}",
    )


def return_late(situation: Situation, candidate: Candidate) -> Hold | None:
    """The same of a return, which does not always wait for all of its pods."""
    missing = situation.observation.missing_secrets
    if missing or return_not_ready(situation, candidate) is None:
        return None
    return pods_late(situation, candidate)


def trouble_shared(situation: Situation, candidate: Candidate) -> Hold | None:
    """Pods are in trouble, and stable's show the same: the step waits, nobody is rolled back."""
    serving, now = situation.serving(), situation.observation.now
    if serving is None or not pods_not_ready(situation, candidate):
        return None
    workload = situation.observation.workload(candidate.revision)
    faults = service_faults(workload, period_of(situation, candidate))
    if not faults or own_fault(faults, workload, serving, now):
        return None
    return Hold(
        Reason.AWAITING_PODS,
        f"{workload.lasting} of {pods_needed(situation, candidate)} pods ready: "
        f"{faults[0].fault.message}. Pods of stable or a single node show it too, so it is not "
        "held against the canary",
    )
