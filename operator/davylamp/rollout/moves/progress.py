"""Moves that go forward: a rollout begins, steps end, a revision is promoted, clocks run."""

from typing import Final

from davylamp.api.gate_status import GateRate
from davylamp.api.names import Reason
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
from davylamp.rollout.gating import deciding
from davylamp.rollout.holds.chain import hold_of
from davylamp.rollout.notices import Notice
from davylamp.rollout.routing import service_pods
from davylamp.rollout.situation import MAX_BLIND, ON_THE_CLOCK, Situation, after, requests_seen
from davylamp.rollout.verification import verifying
from davylamp.schema.quantities import spoken

BLIND_REASONS: Final = frozenset({BAD_ANSWER, SOURCE_DOWN})


def deadline_clock(situation: Situation) -> Situation | None:
    """The deadline clock stands still while paused, and for a while without a metrics source."""
    candidate, now = situation.status.candidate, situation.seen.now
    if candidate is None or candidate.stage not in ON_THE_CLOCK:
        return None
    since = candidate.stopped_at
    blind = _is_blind(situation, candidate) and (since is None or now - since < MAX_BLIND)
    stopped_too_long = candidate.stopped_seconds >= MAX_BLIND.total_seconds()
    stands = situation.seen.paused or (blind and not stopped_too_long)
    if stands == (since is not None):
        return None
    if since is None:
        return situation.with_candidate(stopped_at=now)
    stood = candidate.stopped_seconds + round((now - since).total_seconds())
    return situation.with_candidate(stopped_at=None, stopped_seconds=stood)


def _is_blind(situation: Situation, candidate: Candidate) -> bool:
    """Whether some gate that has a say could not ask its source at all."""
    unknown = deciding(situation, candidate, Verdict.UNKNOWN)
    return situation.seen.source_error is not None or any(
        judgement.reason in BLIND_REASONS for _, judgement in unknown
    )


def plan_refreshed(situation: Situation) -> Situation | None:
    """Until the canary begins, edits of the rollout settings still count; then they are pinned."""
    candidate = situation.status.candidate
    if candidate is None or candidate.stage is not Stage.PREPARING:
        return None
    if candidate.plan == situation.seen.rollout:
        return None
    return situation.with_candidate(
        plan=situation.seen.rollout, steps=len(situation.seen.rollout.steps), forecast=()
    )


def stage_over(situation: Situation) -> Situation | None:
    """Nothing holds the candidate at its stage any more."""
    candidate = situation.status.candidate
    if candidate is None or hold_of(situation, candidate):
        return None
    match candidate.stage:
        case Stage.PREPARING if situation.status.stable is None:
            return _installed(situation, candidate)
        case Stage.PREPARING | Stage.CANARY:
            return _one_step_on(situation, candidate)
        case Stage.PROMOTING:
            return _promoted(situation, candidate)
        case Stage.RETURNING:
            return _returned(situation, candidate)


def _one_step_on(situation: Situation, candidate: Candidate) -> Situation:
    number = service_pods.next_step(candidate.plan.steps, candidate.step, situation.seen.replicas)
    now = situation.seen.now
    if number is None or candidate.promote_requested:
        told = Notice(
            Reason.PROMOTION_STARTED,
            f"{candidate.tag} gets full capacity, then all traffic",
            candidate.revision,
        )
        return situation.with_candidate(stage=Stage.PROMOTING, stage_at=now, weight=100).saying(
            told
        )
    weight = candidate.plan.steps[number - 1].weight
    share = service_pods.share(
        service_pods.canary_replicas(weight, situation.seen.replicas), situation.seen.replicas
    )
    change = WeightChange(weight=weight, share=f"{share:.4f}", at=now)
    first = candidate.stage is Stage.PREPARING
    told = Notice(
        Reason.CANARY_STARTED if first else Reason.STEP_ADVANCED,
        f"{candidate.tag} at step {number} of {len(candidate.plan.steps)}: weight {weight} %, "
        f"{share:.0%} by whole pods",
        candidate.revision,
    )
    return situation.with_candidate(
        stage=Stage.CANARY,
        stage_at=now if first else candidate.stage_at,
        canary_at=candidate.canary_at or now,
        stopped_at=None if first else candidate.stopped_at,
        stopped_seconds=0 if first else candidate.stopped_seconds,
        step=number,
        step_at=now,
        step_requests=requests_seen(situation, candidate),
        weight=weight,
        weights=(*candidate.weights, change),
    ).saying(told)


def _installed(situation: Situation, candidate: Candidate) -> Situation:
    told = Notice(
        Reason.PROMOTED,
        f"{candidate.tag} serves: the first revision, nothing to compare it with",
        candidate.revision,
    )
    return (
        situation.ended(candidate, Outcome.PROMOTED, Reason.PROMOTED)
        .remember(
            candidate=None, stable=Stable(**identity(candidate), promoted_at=situation.seen.now)
        )
        .saying(told)
    )


def _promoted(situation: Situation, candidate: Candidate) -> Situation:
    now, old = situation.seen.now, situation.status.stable
    warm = after(candidate.plan.probation)
    rates = _rates_of_stable(situation, candidate)
    previous = Previous(**identity(old), until=now + warm, rates=rates) if old and warm else None
    took = spoken((now - candidate.started_at).total_seconds())
    told = Notice(
        Reason.PROMOTED, f"{candidate.tag} serves all traffic after {took}", candidate.revision
    )
    return (
        situation.ended(candidate, Outcome.PROMOTED, Reason.PROMOTED)
        .remember(
            candidate=None,
            stable=Stable(**identity(candidate), promoted_at=now),
            previous=previous,
        )
        .saying(told)
    )


def _rates_of_stable(situation: Situation, candidate: Candidate) -> tuple[GateRate, ...]:
    """What was bad of stable's answers: in its probation the new revision need not be better."""
    answers = situation.seen.judgements_of(candidate.revision).items()
    seen = ((name, judgement.stable) for name, judgement in answers)
    return tuple(
        GateRate(name=name, rate=f"{count.rate:.6f}") for name, count in seen if count.errors
    )


def _returned(situation: Situation, candidate: Candidate) -> Situation:
    took = spoken((situation.seen.now - candidate.started_at).total_seconds())
    told = Notice(Reason.RETURNED, f"{candidate.tag} serves again after {took}", candidate.revision)
    returned = (
        situation.ended(candidate, Outcome.RETURNED, Reason.RETURNED)
        .remember(
            candidate=None,
            stable=Stable(**identity(candidate), promoted_at=situation.seen.now),
            previous=None,
        )
        .saying(told)
    )
    return verifying(returned)


def probation_over(situation: Situation) -> Situation | None:
    """The promoted revision has proved itself; the one before may cool down."""
    previous, stable = situation.status.previous, situation.status.stable
    if previous is None or stable is None or situation.seen.now < previous.until:
        return None
    told = Notice(
        Reason.PROBATION_PASSED,
        f"{stable.tag} passed its probation; {previous.tag} is scaled down and kept",
        stable.revision,
    )
    return situation.remember(previous=None, probation_gates=()).saying(told)


def rollout_begins(situation: Situation) -> Situation | None:
    """The spec names a revision that does not serve: a rollout, or a return to an earlier one."""
    status, target, now = situation.status, situation.seen.target, situation.seen.now
    if status.candidate or (status.stable and status.stable.revision == target.revision):
        return None
    if situation.rejected(target.revision):
        return None
    returning = status.stable is not None and situation.was_stable(target.revision)
    if situation.seen.paused and not returning:
        return None
    digest = situation.seen.workload(target.revision).digest or target.digest
    candidate = Candidate(
        **identity(target.model_copy(update={"digest": digest})),
        stage=Stage.RETURNING if returning else Stage.PREPARING,
        started_at=now,
        stage_at=now,
        steps=len(situation.seen.rollout.steps),
        plan=situation.seen.rollout,
    )
    return situation.remember(
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
