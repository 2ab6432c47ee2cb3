"""What can happen next, as an ordered chain of small moves: read top-down as the specification.

Each move answers with the turn after it, or None when it does not apply. The chain is run until
no move applies, so a second decision over the same observation moves nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from davylamp.api.names import Command, Reason
from davylamp.api.quantities import spoken
from davylamp.api.status import (
    Candidate,
    Outcome,
    Previous,
    RevisionRef,
    Stable,
    Stage,
    WeightChange,
    identity,
)
from davylamp.gates import Verdict
from davylamp.rollout import steps
from davylamp.rollout.faults import Fault, hard_fault, readiness_lost, why_not_ready
from davylamp.rollout.holds import hold_of, paused, pods_not_ready
from davylamp.rollout.notices import Notice
from davylamp.rollout.observation import Workload
from davylamp.rollout.turn import MAX_BLIND, Turn, after, is_blind, running_time

Move = Callable[[Turn], Turn | None]

IN_TRAFFIC: Final = frozenset({Stage.CANARY, Stage.PROMOTING})
ON_THE_CLOCK: Final = frozenset({Stage.PREPARING, Stage.CANARY})


def take_back(turn: Turn, reason: Reason, message: str) -> Turn:
    """The candidate loses its traffic and is remembered as rejected; stable goes on."""
    candidate = turn.status.candidate
    assert candidate is not None  # noqa: S101
    outcome = Outcome.ABORTED if reason is Reason.ABORTED else Outcome.ROLLED_BACK
    stable = turn.status.stable
    stays = f"{stable.tag} keeps serving" if stable else "nothing served before it"
    told = Notice(
        Reason.ABORTED if reason is Reason.ABORTED else Reason.ROLLED_BACK,
        f"{candidate.tag} taken back ({reason}): {message}; {stays}",
        candidate.revision,
        "Warning",
    )
    return (
        turn.rejecting(candidate, reason, message)
        .ended(candidate, outcome, reason)
        .remember(candidate=None)
        .saying(told)
    )


def revert(turn: Turn, reason: Reason, message: str) -> Turn:
    """The promoted revision fails its probation; the one before serves again."""
    bad, good = turn.status.stable, turn.status.previous
    assert bad is not None and good is not None  # noqa: S101, PT018
    outcome = Outcome.ABORTED if reason is Reason.ABORTED else Outcome.ROLLED_BACK
    told = Notice(
        Reason.ROLLED_BACK,
        f"{bad.tag} taken back in probation ({reason}): {message}; {good.tag} serves again",
        bad.revision,
        "Warning",
    )
    return (
        turn.rejecting(bad, reason, message)
        .ended(bad, outcome, reason)
        .remember(stable=Stable(**identity(good), promoted_at=turn.seen.now), previous=None)
        .saying(told)
    )


# --- commands -----------------------------------------------------------------------------------


def abort_asked(turn: Turn) -> Turn | None:
    """A person aborts the candidate, the revision in probation, or one that has not begun."""
    revision = turn.asked(Command.ABORT)
    if revision is None:
        return None
    status, target = turn.status, turn.seen.target
    told = turn.handled(Command.ABORT)
    if status.candidate and status.candidate.revision == revision:
        return take_back(told, Reason.ABORTED, "a person said abort")
    if status.stable and status.stable.revision == revision:
        if status.previous:
            return revert(told, Reason.ABORTED, "a person said abort")
        message = f"{status.stable.tag} serves and nothing is rolling out; edit the spec to go back"
        return told.saying(Notice(Reason.NOTHING_TO_ABORT, message, revision))
    if target.revision == revision and not turn.rejected(revision):
        message = f"{target.tag} will not be rolled out: a person said abort before it began"
        return (
            told.rejecting(target, Reason.ABORTED, "a person said abort")
            .ended(target, Outcome.ABORTED, Reason.ABORTED)
            .saying(Notice(Reason.ABORTED, message, revision, "Warning"))
        )
    return told if turn.rejected(revision) else None


def retry_asked(turn: Turn) -> Turn | None:
    """A person gives a rejected revision another chance.

    Said of one that is not rejected it is used up, or it would undo a later rejection unasked.
    """
    revision = turn.asked(Command.RETRY)
    if revision is None:
        return None
    rejection = turn.rejected(revision)
    if rejection is None:
        return turn.handled(Command.RETRY)
    kept = tuple(r for r in turn.status.rejected if r.revision != revision)
    told = Notice(Reason.RETRIED, f"{rejection.tag} may be rolled out again", revision)
    return turn.handled(Command.RETRY).remember(rejected=kept).saying(told)


def promote_asked(turn: Turn) -> Turn | None:
    """A person wants the candidate promoted without waiting for steps and gates."""
    candidate = turn.status.candidate
    if candidate is None or turn.asked(Command.PROMOTE) != candidate.revision:
        return None
    return turn.handled(Command.PROMOTE).with_candidate(approved=True)


def advance_asked(turn: Turn) -> Turn | None:
    """A person lets a paused step pass."""
    candidate = turn.status.candidate
    if candidate is None or turn.asked(Command.ADVANCE) != candidate.revision:
        return None
    return turn.handled(Command.ADVANCE).with_candidate(advanced=candidate.step)


# --- taking back --------------------------------------------------------------------------------


def superseded(turn: Turn) -> Turn | None:
    """The spec names another revision now; the candidate is fenced and replaced."""
    candidate, target = turn.status.candidate, turn.seen.target
    if candidate is None or candidate.revision == target.revision:
        return None
    told = Notice(
        Reason.SUPERSEDED, f"{candidate.tag} gives way to {target.tag}", candidate.revision
    )
    return (
        turn.ended(candidate, Outcome.SUPERSEDED, Reason.SUPERSEDED)
        .remember(candidate=None)
        .saying(told)
    )


def candidate_broken(turn: Turn) -> Turn | None:
    """Crash loop, missing image, out of memory, readiness lost: no statistics needed.

    The very first revision has nothing to go back to; it is given until its deadline.
    """
    candidate, serving = turn.status.candidate, turn.serving()
    if candidate is None or serving is None:
        return None
    workload = turn.seen.workload(candidate.revision)
    if candidate.stage is Stage.RETURNING:
        # pods that are still warm may have restarted in months of service; ready, they can serve
        workload = replace(workload, pods=tuple(pod for pod in workload.pods if not pod.ready))
    fault = hard_fault(workload)
    if fault is None and candidate.stage in IN_TRAFFIC:
        fault = _readiness_lost_alone(workload, serving, turn.seen.now)
    return take_back(turn, fault.reason, fault.message) if fault else None


def _readiness_lost_alone(workload: Workload, other: Workload, now: datetime) -> Fault | None:
    """A node that goes away takes pods of both revisions: not the fault of either."""
    return None if readiness_lost(other, now) else readiness_lost(workload, now)


def progress_deadline_over(turn: Turn) -> Turn | None:
    """The pods did not become ready in time."""
    candidate = turn.status.candidate
    if candidate is None or candidate.stage is Stage.CANARY:
        return None
    if candidate.stage is Stage.PREPARING and paused(turn, candidate):
        return None
    if turn.seen.now - candidate.stage_at <= after(candidate.plan.progress_deadline):
        return None
    within = f"not ready within {candidate.plan.progress_deadline}"
    if pods_not_ready(turn, candidate) is None:
        return None
    if turn.seen.missing_secrets:
        names = ", ".join(turn.seen.missing_secrets)
        return take_back(turn, Reason.SECRET_MISSING, f"{within}: Secret {names} does not exist")
    why = why_not_ready(turn.seen.workload(candidate.revision))
    return take_back(turn, Reason.PROGRESS_DEADLINE_EXCEEDED, f"{within}: {why}")


def gate_failed(turn: Turn) -> Turn | None:
    """The evidence says that the candidate is worse."""
    candidate = turn.status.candidate
    if candidate is None or candidate.stage not in IN_TRAFFIC:
        return None
    for name, judgement in turn.seen.gates_with(Verdict.FAIL, candidate.revision):
        return take_back(turn, Reason.GATE_FAILED, f"gate {name}: {judgement.message}")
    return None


def probation_failed(turn: Turn) -> Turn | None:
    """The promoted revision turns out bad while the one before is still warm.

    Without one warm pod there is nothing to go back to yet: going back would be an outage.
    """
    previous, serving = turn.status.previous, turn.serving()
    if previous is None or serving is None or turn.status.candidate:
        return None
    warm = turn.seen.workload(previous.revision)
    if not warm.ready:
        return None
    fault = hard_fault(serving) or _readiness_lost_alone(serving, warm, turn.seen.now)
    if fault:
        return revert(turn, fault.reason, fault.message)
    for name, judgement in turn.seen.gates_with(Verdict.FAIL, serving.revision):
        return revert(turn, Reason.GATE_FAILED, f"gate {name}: {judgement.message}")
    return None


def deadline_over(turn: Turn) -> Turn | None:
    """Not promoted in time, and the plan says to roll back then."""
    candidate = turn.status.candidate
    if candidate is None or candidate.stage not in ON_THE_CLOCK or candidate.approved:
        return None
    plan = candidate.plan
    late = running_time(candidate, turn.seen.now) > after(plan.deadline)
    if not late or plan.on_deadline != "Rollback":
        return None
    return take_back(turn, Reason.DEADLINE_EXCEEDED, f"not promoted within {plan.deadline}")


# --- clocks -------------------------------------------------------------------------------------


def deadline_clock(turn: Turn) -> Turn | None:
    """The deadline clock stands still while paused, and for a while without a metrics source."""
    candidate, now = turn.status.candidate, turn.seen.now
    if candidate is None or candidate.stage not in ON_THE_CLOCK:
        return None
    since = candidate.stopped_at
    blind = is_blind(turn.seen) and (since is None or now - since < MAX_BLIND)
    stopped_too_long = candidate.stopped_seconds >= MAX_BLIND.total_seconds()
    stands = turn.seen.paused or (blind and not stopped_too_long)
    if stands == (since is not None):
        return None
    if since is None:
        return turn.with_candidate(stopped_at=now)
    stood = candidate.stopped_seconds + round((now - since).total_seconds())
    return turn.with_candidate(stopped_at=None, stopped_seconds=stood)


# --- going forward ------------------------------------------------------------------------------


def plan_refreshed(turn: Turn) -> Turn | None:
    """Until the canary begins, edits of the rollout settings still count; then they are pinned."""
    candidate = turn.status.candidate
    if candidate is None or candidate.stage is not Stage.PREPARING:
        return None
    if candidate.plan == turn.seen.rollout:
        return None
    return turn.with_candidate(plan=turn.seen.rollout, steps=len(turn.seen.rollout.steps))


def stage_over(turn: Turn) -> Turn | None:
    """Nothing holds the candidate at its stage any more."""
    candidate = turn.status.candidate
    if candidate is None or hold_of(turn, candidate):
        return None
    match candidate.stage:
        case Stage.PREPARING if turn.status.stable is None:
            return _installed(turn, candidate)
        case Stage.PREPARING | Stage.CANARY:
            return _one_step_on(turn, candidate)
        case Stage.PROMOTING:
            return _promoted(turn, candidate)
        case Stage.RETURNING:
            return _returned(turn, candidate)


def _one_step_on(turn: Turn, candidate: Candidate) -> Turn:
    number = steps.next_step(candidate.plan.steps, candidate.step, turn.seen.replicas)
    now = turn.seen.now
    if number is None or candidate.approved:
        told = Notice(
            Reason.PROMOTION_STARTED,
            f"{candidate.tag} gets full capacity, then all traffic",
            candidate.revision,
        )
        return turn.with_candidate(stage=Stage.PROMOTING, stage_at=now, weight=100).saying(told)
    weight = candidate.plan.steps[number - 1].weight
    share = steps.share(steps.canary_replicas(weight, turn.seen.replicas), turn.seen.replicas)
    change = WeightChange(weight=weight, share=f"{share:.4f}", at=now)
    first = candidate.stage is Stage.PREPARING
    told = Notice(
        Reason.CANARY_STARTED if first else Reason.STEP_ADVANCED,
        f"{candidate.tag} at step {number} of {len(candidate.plan.steps)}: weight {weight} %, "
        f"{share:.0%} by whole pods",
        candidate.revision,
    )
    return turn.with_candidate(
        stage=Stage.CANARY,
        stage_at=now if first else candidate.stage_at,
        canary_at=candidate.canary_at or now,
        step=number,
        step_at=now,
        step_requests=_requests_so_far(turn, candidate),
        weight=weight,
        weights=(*candidate.weights, change),
    ).saying(told)


def _requests_so_far(turn: Turn, candidate: Candidate) -> int:
    judgements = turn.seen.judgements_of(candidate.revision).values()
    return min((j.candidate.requests for j in judgements), default=0)


def _installed(turn: Turn, candidate: Candidate) -> Turn:
    told = Notice(
        Reason.PROMOTED,
        f"{candidate.tag} serves: the first revision, nothing to compare it with",
        candidate.revision,
    )
    return (
        turn.ended(candidate, Outcome.PROMOTED, Reason.PROMOTED)
        .remember(candidate=None, stable=Stable(**identity(candidate), promoted_at=turn.seen.now))
        .saying(told)
    )


def _promoted(turn: Turn, candidate: Candidate) -> Turn:
    now, old = turn.seen.now, turn.status.stable
    warm = after(candidate.plan.probation)
    previous = Previous(**identity(old), until=now + warm) if old and warm else None
    took = spoken((now - candidate.started_at).total_seconds())
    told = Notice(
        Reason.PROMOTED, f"{candidate.tag} serves all traffic after {took}", candidate.revision
    )
    return (
        turn.ended(candidate, Outcome.PROMOTED, Reason.PROMOTED)
        .remember(
            candidate=None,
            stable=Stable(**identity(candidate), promoted_at=now),
            previous=previous,
        )
        .saying(told)
    )


def _returned(turn: Turn, candidate: Candidate) -> Turn:
    took = spoken((turn.seen.now - candidate.started_at).total_seconds())
    told = Notice(Reason.RETURNED, f"{candidate.tag} serves again after {took}", candidate.revision)
    return (
        turn.ended(candidate, Outcome.RETURNED, Reason.RETURNED)
        .remember(
            candidate=None,
            stable=Stable(**identity(candidate), promoted_at=turn.seen.now),
            previous=None,
        )
        .saying(told)
    )


def probation_over(turn: Turn) -> Turn | None:
    """The promoted revision has proved itself; the one before may cool down."""
    previous, stable = turn.status.previous, turn.status.stable
    if previous is None or stable is None or turn.seen.now < previous.until:
        return None
    told = Notice(
        Reason.PROBATION_PASSED,
        f"{stable.tag} passed its probation; {previous.tag} is scaled down and kept",
        stable.revision,
    )
    return turn.remember(previous=None, probation_gates=()).saying(told)


def rollout_begins(turn: Turn) -> Turn | None:
    """The spec names a revision that does not serve: a rollout, or a return to an earlier one."""
    status, target, now = turn.status, turn.seen.target, turn.seen.now
    if status.candidate or (status.stable and status.stable.revision == target.revision):
        return None
    if turn.rejected(target.revision):
        return None
    returning = status.stable is not None and turn.was_stable(target.revision)
    if turn.seen.paused and not returning:
        return None
    candidate = Candidate(
        **identity(target),
        stage=Stage.RETURNING if returning else Stage.PREPARING,
        started_at=now,
        stage_at=now,
        steps=len(turn.seen.rollout.steps),
        plan=turn.seen.rollout,
    )
    return turn.remember(candidate=candidate, previous=None, probation_gates=()).saying(
        _began(target, returning=returning)
    )


def _began(target: RevisionRef, *, returning: bool) -> Notice:
    if returning:
        text = f"going back to {target.tag}, which served before: no canary needed"
        return Notice(Reason.RETURN_STARTED, text, target.revision)
    text = (
        f"rolling out {target.tag} (snapshot {target.feature_snapshot}, seed {target.seed}) "
        f"as revision {target.revision}"
    )
    return Notice(Reason.ROLLOUT_STARTED, text, target.revision)


MOVES: Final[tuple[Move, ...]] = (
    retry_asked,
    abort_asked,
    superseded,
    candidate_broken,
    gate_failed,
    probation_failed,
    progress_deadline_over,
    deadline_over,
    promote_asked,
    advance_asked,
    deadline_clock,
    plan_refreshed,
    probation_over,
    rollout_begins,
    stage_over,
)
