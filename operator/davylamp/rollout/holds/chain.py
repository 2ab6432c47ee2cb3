"""Why a stage does not end yet: small named checks, first answer wins, read top-down.

A hold is a fact with a sentence; it goes into the status as it is. No hold means the stage is
over and the next move is made.
"""

from datetime import timedelta
from typing import Final

from davylamp.api.names import Command, Reason
from davylamp.api.status import Candidate, Stage
from davylamp.gates import Verdict
from davylamp.rollout.checks import sentence, unpassed
from davylamp.rollout.explanations import check_of
from davylamp.rollout.gating import (
    approval_awaited_by_gate,
    approval_awaited_without_data,
    deciding,
    gate_blind,
    gate_blind_on_stable,
    nothing_else_serves,
)
from davylamp.rollout.holds.hold import Hold, HoldRule, how_to
from davylamp.rollout.holds.pods import (
    digests_differ,
    no_step_reachable,
    old_pods,
    pods_not_ready,
    return_not_ready,
    secret_missing,
    stable_degraded,
    step_out_of_reach,
)
from davylamp.rollout.routing import service_pods
from davylamp.rollout.situation import Situation, after, requests_seen, running_time

FIRST_SCRAPE_PATIENCE: Final = timedelta(seconds=20)
"""How long ready pods wait for their first scrape before they get traffic all the same."""


def paused(situation: Situation, candidate: Candidate) -> Hold | None:
    """A person stopped everything that goes forward."""
    if not situation.seen.paused or candidate.promote_requested:
        return None
    return Hold(Reason.PAUSED, "spec.paused is true; set it to false to go on")


def not_scraped_yet(situation: Situation, candidate: Candidate) -> Hold | None:
    """The gates cannot see the pods yet; traffic before that would be unwatched."""
    if situation.status.stable is None or not candidate.plan.gates or candidate.promote_requested:
        return None
    if situation.seen.source_error:
        return past_deadline(situation, candidate) or Hold(
            Reason.AWAITING_DATA,
            f"no traffic unwatched: {situation.seen.source_error}; promote without it: "
            f"{how_to(Command.PROMOTE, candidate)}",
        )
    if situation.seen.first_scrape_seen:
        return None
    ready = [
        p.ready_changed_at for p in situation.seen.workload(candidate.revision).living if p.ready
    ]
    since = max((at for at in ready if at), default=candidate.stage_at)
    if situation.seen.now - since > FIRST_SCRAPE_PATIENCE:
        return None
    return Hold(Reason.AWAITING_FIRST_SCRAPE, "pods are ready, the gates have not seen them yet")


def checks_pending(_: Situation, candidate: Candidate) -> Hold | None:
    """Nobody gets traffic before every check of the plan has passed."""
    missing = unpassed(candidate)
    if not missing:
        return None
    asked = [check for check in candidate.checks if check.name in missing]
    why = sentence(asked) if asked else f"{', '.join(missing)}: no pod has answered yet"
    return Hold(
        Reason.AWAITING_CHECKS, f"no traffic unchecked: {why}; {how_to(Command.ABORT, candidate)}"
    )


def explanations_awaited(situation: Situation, candidate: Candidate) -> Hold | None:
    """The job that compares the candidate's explanations has not ended, or failed."""
    check = check_of(situation, candidate)
    if check is None or check.verdict != "Unknown":
        return None
    return Hold(Reason.AWAITING_CHECKS, f"check {check.name}: {check.message}")


def past_deadline(situation: Situation, candidate: Candidate) -> Hold | None:
    """The rollout took too long and the plan says to wait for a person."""
    plan = candidate.plan
    if candidate.promote_requested or plan.on_deadline != "Pause":
        return None
    if running_time(candidate, situation.seen.now) <= after(plan.deadline):
        return None
    return Hold(
        Reason.DEADLINE_EXCEEDED,
        f"not promoted within {plan.deadline}; {how_to(Command.PROMOTE, candidate)} or "
        f"{how_to(Command.ABORT, candidate)}",
    )


def approval_awaited(_: Situation, candidate: Candidate) -> Hold | None:
    """The step says to wait for a person."""
    if not candidate.plan.steps[candidate.step - 1].pause or candidate.advanced >= candidate.step:
        return None
    return Hold(
        Reason.AWAITING_APPROVAL,
        f"step {candidate.step} pauses; go on with {how_to(Command.ADVANCE, candidate)}",
    )


def holding_time(situation: Situation, candidate: Candidate) -> Hold | None:
    """The step's hold is not over."""
    hold = candidate.plan.steps[candidate.step - 1].hold
    if not hold or candidate.step_at is None:
        return None
    rest = after(hold) - (situation.seen.now - candidate.step_at)
    if rest <= timedelta():
        return None
    until = (candidate.step_at + after(hold)).strftime("%H:%M:%SZ")
    return Hold(Reason.HOLDING, f"step {candidate.step} holds until {until}")


def few_requests(situation: Situation, candidate: Candidate) -> Hold | None:
    """The step has seen too few canary requests to say anything; own queries count none."""
    counting = [gate.name for gate in candidate.plan.gates if gate.kind.channel is not None]
    judgements = situation.seen.judgements_of(candidate.revision)
    if not judgements or not counting:
        return None
    got = requests_seen(situation, candidate) - candidate.step_requests
    needed = candidate.plan.min_requests
    if got >= needed:
        return None
    return Hold(
        Reason.AWAITING_EVIDENCE,
        f"step {candidate.step} has seen {got} of {needed} canary requests "
        "(spec.rollout.minRequests)",
    )


def undecided(situation: Situation, candidate: Candidate) -> Hold | None:
    """Before promotion every gate must have passed."""
    if service_pods.next_step(candidate.plan.steps, candidate.step, situation.seen.replicas):
        return None
    for name, judgement in deciding(situation, candidate, Verdict.UNDECIDED):
        return Hold(Reason.AWAITING_EVIDENCE, f"gate {name}: {judgement.message}")
    return None


HOLDS: Final[dict[Stage, tuple[HoldRule, ...]]] = {
    Stage.PREPARING: (
        secret_missing,
        paused,
        no_step_reachable,
        pods_not_ready,
        digests_differ,
        checks_pending,
        explanations_awaited,
        old_pods,
        stable_degraded,
        not_scraped_yet,
        gate_blind_on_stable,
    ),
    Stage.CANARY: (
        paused,
        past_deadline,
        step_out_of_reach,
        secret_missing,
        pods_not_ready,
        old_pods,
        digests_differ,
        nothing_else_serves,
        approval_awaited_by_gate,
        approval_awaited_without_data,
        approval_awaited,
        holding_time,
        gate_blind,
        few_requests,
        undecided,
        stable_degraded,
    ),
    Stage.PROMOTING: (secret_missing, nothing_else_serves, pods_not_ready),
    Stage.RETURNING: (return_not_ready,),
}


def hold_of(situation: Situation, candidate: Candidate) -> Hold | None:
    """The first reason why the candidate's stage is not over, None when it is.

    A person's promotion ends the canary at once; pods that are lacking are awaited while promoting,
    where that has a deadline.
    """
    if candidate.promote_requested and candidate.stage is Stage.CANARY:
        return None
    for check in HOLDS[candidate.stage]:
        hold = check(situation, candidate)
        if hold:
            return hold
    return None
