"""Moves that go forward: a rollout begins, steps end, a revision is promoted."""

from davylamp.api.names import Reason
from davylamp.api.status import (
    Candidate,
    Outcome,
    Previous,
    RevisionRef,
    Stable,
    Stage,
    identity,
)
from davylamp.api.status_parts import GateRate, WeightChange
from davylamp.rollout.holds.chain import hold_of
from davylamp.rollout.moves.verification import verifying
from davylamp.rollout.notices import Notice
from davylamp.rollout.routing.protocol import planned_share
from davylamp.rollout.situation import Situation, after, canary_requests, looked_on
from davylamp.rollout.wording import counted, named, pair
from davylamp.schema.quantities import spoken


def plan_refreshed(situation: Situation) -> Situation | None:
    """Until the canary begins, edits of the rollout settings still count; then they are pinned."""
    candidate, plan = situation.status.candidate, situation.observation.rollout
    if candidate is None or candidate.stage is not Stage.PREPARING or candidate.plan == plan:
        return None
    return situation.with_candidate(plan=plan, steps=len(plan.steps), forecast=())


def rollout_begins(situation: Situation) -> Situation | None:
    """The spec names a revision that does not serve: a rollout, or a return to an earlier one."""
    status, target = situation.status, situation.observation.target
    if status.candidate or (status.stable and status.stable.revision == target.revision):
        return None
    if situation.rejected(target.revision):
        return None
    returning = status.stable is not None and situation.was_stable(target.revision)
    if situation.observation.paused and not returning:
        return None
    return situation.remember(
        candidate=_new_candidate(situation, target, returning=returning),
        previous=None,
        probation_gates=(),
        verification=None,
    ).with_notice(_began(situation, target, returning=returning))


def _new_candidate(situation: Situation, target: RevisionRef, *, returning: bool) -> Candidate:
    observation = situation.observation
    running = observation.workload(target.revision).digest or target.digest
    digest = observation.pins.get(target.revision, running)
    return Candidate(
        **identity(target.model_copy(update={"digest": digest})),
        stage=Stage.RETURNING if returning else Stage.PREPARING,
        started_at=observation.now,
        started_by=observation.author,
        stage_at=observation.now,
        steps=len(observation.rollout.steps),
        plan=observation.rollout,
    )


def _began(situation: Situation, target: RevisionRef, *, returning: bool) -> Notice:
    stable, author = situation.status.stable, situation.observation.author
    wish = f", as {author} wrote" if author else ""
    if returning:
        name = named(target, stable)
        message = f"returning to {name}, which served before{wish}: no canary needed"
        return Notice(Reason.RETURN_STARTED, message, target.revision)
    message = (
        f"rolling out {target.tag} (snapshot {target.feature_snapshot}, seed {target.seed}) "
        f"as revision {target.revision}{wish}"
    )
    return Notice(Reason.ROLLOUT_STARTED, message, target.revision)


def stage_over(situation: Situation) -> Situation | None:
    """Nothing holds the candidate at its stage any more."""
    candidate = situation.status.candidate
    if candidate is None or hold_of(situation, candidate):
        return None
    match candidate.stage:
        case Stage.PREPARING if situation.status.stable is None:
            return _installed(situation, candidate)
        case Stage.PREPARING | Stage.CANARY:
            return _step_over(situation, candidate)
        case Stage.PROMOTING:
            return _promoted(situation, candidate)
        case Stage.RETURNING:
            return _returned(situation, candidate)


def _step_over(situation: Situation, candidate: Candidate) -> Situation:
    """The next step that changes the share, or promotion after the last one."""
    steps, replicas = candidate.plan.steps, situation.observation.replicas
    number = situation.router.next_step(steps, candidate.step, replicas)
    if number is None or candidate.promote_requested:
        return _promotion_starts(situation, candidate)
    return _step_begins(situation, candidate, number)


def _promotion_starts(situation: Situation, candidate: Candidate) -> Situation:
    name = named(candidate, situation.status.stable)
    message = f"{name} is scaled up to full capacity, then gets all traffic"
    return situation.with_candidate(
        stage=Stage.PROMOTING, stage_at=situation.observation.now, weight=100, unsettled_since=None
    ).with_notice(Notice(Reason.PROMOTION_STARTED, message, candidate.revision))


def _step_begins(situation: Situation, candidate: Candidate, number: int) -> Situation:
    now, replicas = situation.observation.now, situation.observation.replicas
    weight = candidate.plan.steps[number - 1].weight
    share = planned_share(situation.router, weight, replicas)
    change = WeightChange(weight=weight, share=f"{share:.4f}", at=now)
    first = candidate.stage is Stage.PREPARING
    pods = counted(situation.router.canary_pods(weight, replicas), "canary pod")
    message = (
        f"{named(candidate, situation.status.stable)} at step {number} of "
        f"{len(candidate.plan.steps)}: weight {weight} %, {round(100 * share)} % of traffic with {pods}"
    )
    reason = Reason.CANARY_STARTED if first else Reason.STEP_ADVANCED
    return situation.with_candidate(
        stage=Stage.CANARY,
        stage_at=now if first else candidate.stage_at,
        canary_at=candidate.canary_at or now,
        stopped_at=None if first else candidate.stopped_at,
        stopped_seconds=0 if first else candidate.stopped_seconds,
        step=number,
        step_at=now,
        step_requests=canary_requests(situation, candidate),
        unsettled_since=None,
        weight=weight,
        weights=(*candidate.weights, change),
    ).with_notice(Notice(reason, message, candidate.revision))


def _installed(situation: Situation, candidate: Candidate) -> Situation:
    message = f"{candidate.tag} is serving: the first revision, with nothing to compare it to"
    return _serves(situation, candidate, Outcome.PROMOTED, message)


def _promoted(situation: Situation, candidate: Candidate) -> Situation:
    now, old = situation.observation.now, situation.status.stable
    warm = after(candidate.plan.probation)
    rates = _rates_of_stable(situation, candidate)
    previous = Previous(**identity(old), until=now + warm, rates=rates) if old and warm else None
    by = candidate.promote_requested_by
    command = f", promoted by {by}" if by else ""
    took = _took(situation, candidate)
    message = f"{named(candidate, old)} serves all traffic after {took}{command}"
    return _serves(situation, candidate, Outcome.PROMOTED, message, previous=previous)


def _returned(situation: Situation, candidate: Candidate) -> Situation:
    name = named(candidate, situation.status.stable)
    message = f"{name} is serving again after {_took(situation, candidate)}"
    return verifying(_serves(situation, candidate, Outcome.RETURNED, message))


def _serves(
    situation: Situation,
    candidate: Candidate,
    outcome: Outcome,
    message: str,
    *,
    previous: Previous | None = None,
) -> Situation:
    """The candidate's attempt ended well: it is stable from now on."""
    reason = Reason.RETURNED if outcome is Outcome.RETURNED else Reason.PROMOTED
    stable = Stable(**identity(candidate), promoted_at=situation.observation.now)
    return (
        situation.ended(candidate, outcome, reason, by=candidate.promote_requested_by)
        .remember(candidate=None, stable=stable, previous=previous)
        .with_notice(Notice(reason, message, candidate.revision))
    )


def _took(situation: Situation, candidate: Candidate) -> str:
    return spoken((situation.observation.now - candidate.started_at).total_seconds())


def _rates_of_stable(situation: Situation, candidate: Candidate) -> tuple[GateRate, ...]:
    """Stable's rates of bad answers: in its probation the new revision need not be better."""
    judgements = situation.observation.judgements_of(candidate.revision).items()
    counts = ((name, judgement.stable) for name, judgement in judgements)
    return tuple(
        GateRate(name=name, rate=f"{count.rate:.6f}") for name, count in counts if count.errors
    )


def probation_over(situation: Situation) -> Situation | None:
    """The promoted revision has proved itself; the one before may cool down."""
    previous, stable = situation.status.previous, situation.status.stable
    if previous is None or stable is None or situation.observation.now < previous.until:
        return None
    if not looked_on(situation, situation.observation.rollout.probation):
        return None
    new, old = pair(stable, previous)
    message = f"{new} passed its probation; {old} is scaled down to 0 pods and kept for a return"
    notice = Notice(Reason.PROBATION_PASSED, message, stable.revision)
    return situation.remember(previous=None, probation_gates=()).with_notice(notice)
