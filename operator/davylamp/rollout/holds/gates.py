"""Holds about gates: data that are lacking, evidence that is lacking, failures that wait for a user."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from davylamp.api.gates import OnFail
from davylamp.api.names import Command, Reason
from davylamp.api.spec import Rollout
from davylamp.api.status import Candidate
from davylamp.gates import Judgement, Verdict
from davylamp.rollout.holds.clocks import past_deadline
from davylamp.rollout.holds.hold import Hold, how_to, promote_or_abort
from davylamp.rollout.situation import Situation, canary_requests

BASELINE_PATIENCE: Final = timedelta(seconds=20)
"""How long the first samples of stable may take before a gate counts as without a baseline."""
FIRST_SCRAPE_PATIENCE: Final = timedelta(seconds=20)
"""How long ready pods wait for their first scrape before they get traffic all the same."""


def failing(
    situation: Situation, plan: Rollout, revision: str, action: OnFail
) -> Iterator[tuple[str, Judgement]]:
    """Gates with that action that say a revision is worse, in the order of the spec."""
    actions = {gate.name: gate.action for gate in plan.gates}
    for name, judgement in situation.observation.gates_with(Verdict.FAIL, revision):
        if actions.get(name, OnFail.ROLLBACK) is action:
            yield name, judgement


def deciding(
    situation: Situation, candidate: Candidate, verdict: Verdict
) -> list[tuple[str, Judgement]]:
    """Gates with a verdict, without those that only warn: they decide nothing."""
    warning = {gate.name for gate in candidate.plan.gates if gate.action is OnFail.WARN}
    answers = situation.observation.gates_with(verdict, candidate.revision)
    return [(name, judgement) for name, judgement in answers if name not in warning]


# --- before the canary ----------------------------------------------------------------------------


def metrics_unavailable(situation: Situation, candidate: Candidate) -> Hold | None:
    """The source of the metrics cannot be read, so the canary would be unwatched."""
    error = situation.observation.source_error
    if not error or not _needs_metrics(situation, candidate):
        return None
    return past_deadline(situation, candidate) or Hold(
        Reason.AWAITING_DATA,
        f"waiting for metrics before sending traffic: {error}; to promote without them: "
        f"{how_to(Command.PROMOTE, situation, candidate)}",
    )


def not_scraped_yet(situation: Situation, candidate: Candidate) -> Hold | None:
    """The candidate's pods have not been scraped, so the canary would be unwatched at first."""
    observation = situation.observation
    if not _needs_metrics(situation, candidate):
        return None
    if observation.source_error or observation.first_scrape_seen:
        return None
    pods = observation.workload(candidate.revision).living
    times = [pod.ready_since for pod in pods if pod.ready]
    since = max((at for at in times if at), default=candidate.stage_at)
    if observation.now - since > FIRST_SCRAPE_PATIENCE:
        return None
    return Hold(
        Reason.AWAITING_FIRST_SCRAPE,
        "waiting for metrics before sending traffic: the ready pods have not been scraped yet",
    )


def _needs_metrics(situation: Situation, candidate: Candidate) -> bool:
    gated = bool(candidate.plan.gates) and not candidate.promote_requested
    return situation.status.stable is not None and gated


def gate_without_baseline(situation: Situation, candidate: Candidate) -> Hold | None:
    """A gate that reads nothing of stable has nothing to compare a canary with."""
    without_baseline = situation.observation.without_baseline
    if candidate.promote_requested or not without_baseline:
        return None
    if situation.observation.now - candidate.stage_at <= BASELINE_PATIENCE:
        return Hold(
            Reason.AWAITING_FIRST_SCRAPE,
            "waiting for metrics before sending traffic: no sample of stable has been read yet",
        )
    name, why = next(iter(without_baseline.items()))
    return Hold(
        Reason.NO_BASELINE_DATA,
        f"waiting for metrics before sending traffic: gate {name}: {why}; correct "
        f"{_where_series_are_named(candidate, name)}, or promote without this gate: "
        f"{how_to(Command.PROMOTE, situation, candidate)}",
    )


def _where_series_are_named(candidate: Candidate, gate: str) -> str:
    """What a user has to correct: the names of most metrics are no part of the spec."""
    queries = {g.name for g in candidate.plan.gates if g.user_query is not None}
    if gate in queries:
        return "its promql in spec.rollout.gates"
    return "spec.rollout.gates, or the names of metrics and labels in the values of the operator's chart"


# --- in the canary --------------------------------------------------------------------------------


def nothing_else_serves(situation: Situation, candidate: Candidate) -> Hold | None:
    """A gate says that the canary is worse, but without it nothing would serve at all."""
    serving = situation.serving()
    if serving is None or serving.ready:
        return None
    for name, judgement in failing(situation, candidate.plan, candidate.revision, OnFail.ROLLBACK):
        return Hold(
            Reason.STABLE_DEGRADED,
            f"gate {name} failed: {judgement.message}; not rolled back, because stable has no ready "
            f"pod and nothing else would serve; {promote_or_abort(situation, candidate)}",
        )
    return None


def approval_awaited_by_gate(situation: Situation, candidate: Candidate) -> Hold | None:
    """A gate whose failure pauses says that the canary is worse."""
    for name, judgement in failing(situation, candidate.plan, candidate.revision, OnFail.PAUSE):
        return Hold(
            Reason.AWAITING_APPROVAL,
            f"gate {name} failed and pauses: {judgement.message}; "
            f"{promote_or_abort(situation, candidate)}",
        )
    return None


def approval_awaited_without_data(situation: Situation, candidate: Candidate) -> Hold | None:
    """A gate had no data for so long that a user has to decide how to continue."""
    if not candidate.no_data_paused:
        return None
    advance = how_to(Command.ADVANCE, situation, candidate)
    return Hold(
        Reason.AWAITING_APPROVAL,
        f"a gate had no data for longer than {candidate.plan.no_data_deadline} (noData: Pause); "
        f"continue with {advance} or abort with {how_to(Command.ABORT, situation, candidate)}",
    )


def gate_without_data(situation: Situation, candidate: Candidate) -> Hold | None:
    """A gate has no data: neither good nor bad, so nothing moves (P3)."""
    expected = len(candidate.plan.gates)
    if len(situation.observation.judgements_of(candidate.revision)) < expected:
        return Hold(Reason.AWAITING_DATA, "the gates have not been evaluated yet")
    for name, judgement in deciding(situation, candidate, Verdict.UNKNOWN):
        return Hold(Reason.AWAITING_DATA, f"gate {name}: {judgement.reason}: {judgement.message}")
    return None


def few_requests(situation: Situation, candidate: Candidate) -> Hold | None:
    """The step has had too few canary requests to say anything; user queries count none."""
    counting = [gate.name for gate in candidate.plan.gates if gate.kind.channel is not None]
    judgements = situation.observation.judgements_of(candidate.revision)
    if not judgements or not counting:
        return None
    got = canary_requests(situation, candidate) - candidate.step_requests
    needed = candidate.plan.min_requests
    if got >= needed:
        return None
    return Hold(
        Reason.AWAITING_EVIDENCE,
        f"step {candidate.step} has had {got} of {needed} canary requests "
        "(spec.rollout.minRequests)",
    )


def undecided(situation: Situation, candidate: Candidate) -> Hold | None:
    """Before promotion every gate must have passed."""
    steps, replicas = candidate.plan.steps, situation.observation.replicas
    if situation.router.next_step(steps, candidate.step, replicas):
        return None
    for name, judgement in deciding(situation, candidate, Verdict.UNDECIDED):
        return Hold(Reason.AWAITING_EVIDENCE, f"gate {name}: {judgement.message}")
    return None
