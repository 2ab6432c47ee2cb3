"""Moves that go forward: a rollout begins, steps end, a revision is promoted, clocks run."""

from typing import Final

from davylamp.api.gate_status import GateRate
from davylamp.api.names import Reason
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
from davylamp.gates.verdicts import BAD_ANSWER, SOURCE_DOWN
from davylamp.rollout import steps
from davylamp.rollout.gating import deciding
from davylamp.rollout.holds import hold_of
from davylamp.rollout.notices import Notice
from davylamp.rollout.turn import MAX_BLIND, ON_THE_CLOCK, Turn, after, requests_seen
from davylamp.rollout.verification import verifying

BLIND_REASONS: Final = frozenset({BAD_ANSWER, SOURCE_DOWN})


def deadline_clock(turn: Turn) -> Turn | None:
    """The deadline clock stands still while paused, and for a while without a metrics source."""
    candidate, now = turn.status.candidate, turn.seen.now
    if candidate is None or candidate.stage not in ON_THE_CLOCK:
        return None
    since = candidate.stopped_at
    blind = _is_blind(turn, candidate) and (since is None or now - since < MAX_BLIND)
    stopped_too_long = candidate.stopped_seconds >= MAX_BLIND.total_seconds()
    stands = turn.seen.paused or (blind and not stopped_too_long)
    if stands == (since is not None):
        return None
    if since is None:
        return turn.with_candidate(stopped_at=now)
    stood = candidate.stopped_seconds + round((now - since).total_seconds())
    return turn.with_candidate(stopped_at=None, stopped_seconds=stood)


def _is_blind(turn: Turn, candidate: Candidate) -> bool:
    """Whether some gate that has a say could not ask its source at all."""
    unknown = deciding(turn, candidate, Verdict.UNKNOWN)
    return turn.seen.source_error is not None or any(
        judgement.reason in BLIND_REASONS for _, judgement in unknown
    )


def plan_refreshed(turn: Turn) -> Turn | None:
    """Until the canary begins, edits of the rollout settings still count; then they are pinned."""
    candidate = turn.status.candidate
    if candidate is None or candidate.stage is not Stage.PREPARING:
        return None
    if candidate.plan == turn.seen.rollout:
        return None
    return turn.with_candidate(
        plan=turn.seen.rollout, steps=len(turn.seen.rollout.steps), outlook=()
    )


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
        stopped_at=None if first else candidate.stopped_at,
        stopped_seconds=0 if first else candidate.stopped_seconds,
        step=number,
        step_at=now,
        step_requests=requests_seen(turn, candidate),
        weight=weight,
        weights=(*candidate.weights, change),
    ).saying(told)


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
    rates = _rates_of_stable(turn, candidate)
    previous = Previous(**identity(old), until=now + warm, rates=rates) if old and warm else None
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


def _rates_of_stable(turn: Turn, candidate: Candidate) -> tuple[GateRate, ...]:
    """What was bad of stable's answers: in its probation the new revision need not be better."""
    answers = turn.seen.judgements_of(candidate.revision).items()
    seen = ((name, judgement.stable) for name, judgement in answers)
    return tuple(
        GateRate(name=name, rate=f"{count.rate:.6f}") for name, count in seen if count.errors
    )


def _returned(turn: Turn, candidate: Candidate) -> Turn:
    took = spoken((turn.seen.now - candidate.started_at).total_seconds())
    told = Notice(Reason.RETURNED, f"{candidate.tag} serves again after {took}", candidate.revision)
    returned = (
        turn.ended(candidate, Outcome.RETURNED, Reason.RETURNED)
        .remember(
            candidate=None,
            stable=Stable(**identity(candidate), promoted_at=turn.seen.now),
            previous=None,
        )
        .saying(told)
    )
    return verifying(returned)


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
    digest = turn.seen.workload(target.revision).digest or target.digest
    candidate = Candidate(
        **identity(target.model_copy(update={"digest": digest})),
        stage=Stage.RETURNING if returning else Stage.PREPARING,
        started_at=now,
        stage_at=now,
        steps=len(turn.seen.rollout.steps),
        plan=turn.seen.rollout,
    )
    return turn.remember(
        candidate=candidate, previous=None, probation_gates=(), verification=None
    ).saying(_began(target, returning=returning))


def _began(target: RevisionRef, *, returning: bool) -> Notice:
    if returning:
        text = f"going back to {target.tag}, which served before: no canary needed"
        return Notice(Reason.RETURN_STARTED, text, target.revision)
    text = (
        f"rolling out {target.tag} (snapshot {target.feature_snapshot}, seed {target.seed}) "
        f"as revision {target.revision}"
    )
    return Notice(Reason.ROLLOUT_STARTED, text, target.revision)
