"""What gates do to a rollout: take back, make it wait for a person, warn, and what if they are blind."""

from collections.abc import Iterator
from datetime import timedelta

from davylamp.api.gate_status import FeatureShare, GateForecast
from davylamp.api.gates import OnFail
from davylamp.api.names import Command, Reason
from davylamp.api.spec import Rollout
from davylamp.api.status import Candidate, Stage
from davylamp.gates import Judgement, Verdict
from davylamp.rollout.holds.hold import Hold, how_to
from davylamp.rollout.moves.endings import roll_back
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation, after

BLIND_PATIENCE = timedelta(seconds=20)
"""How long stable's series may take to be seen before a gate counts as blind."""
MOST_FEATURES = 200


def failing(
    situation: Situation, plan: Rollout, revision: str, action: OnFail
) -> Iterator[tuple[str, Judgement]]:
    """Gates with that action that say a revision is worse, in the order of the spec."""
    actions = {gate.name: gate.action for gate in plan.gates}
    for name, judgement in situation.seen.gates_with(Verdict.FAIL, revision):
        if actions.get(name, OnFail.ROLLBACK) is action:
            yield name, judgement


def deciding(
    situation: Situation, candidate: Candidate, verdict: Verdict
) -> list[tuple[str, Judgement]]:
    """Gates that answered with a verdict and have a say: those that only warn have none."""
    silent = {gate.name for gate in candidate.plan.gates if gate.action is OnFail.WARN}
    answers = situation.seen.gates_with(verdict, candidate.revision)
    return [(name, judgement) for name, judgement in answers if name not in silent]


# --- moves ----------------------------------------------------------------------------------------


def gate_warned(situation: Situation) -> Situation | None:
    """A gate that only warns says that the canary is worse: told once."""
    candidate = situation.status.candidate
    if candidate is None:
        return None
    for name, judgement in failing(situation, candidate.plan, candidate.revision, OnFail.WARN):
        if name not in candidate.warned:
            text = f"gate {name} would take {candidate.tag} back: {judgement.message}"
            told = Notice(Reason.GATE_WARNED, text, candidate.revision, "Warning")
            return situation.with_candidate(warned=(*candidate.warned, name)).saying(told)
    return None


def forecast_noted(situation: Situation) -> Situation | None:
    """What the gates will be able to find is remembered from before the canary."""
    candidate = situation.status.candidate
    if candidate is None or candidate.stage is not Stage.PREPARING or not situation.seen.forecast:
        return None
    found = {each.name: each for each in situation.seen.forecast}
    kept = (each for each in candidate.forecast if each.name not in found)
    if candidate.forecast and all(_alike(each, candidate.forecast) for each in found.values()):
        return None
    return situation.with_candidate(forecast=(*kept, *situation.seen.forecast))


def _alike(found: GateForecast, known: tuple[GateForecast, ...]) -> bool:
    """Whether an outlook says nothing new: its numbers move with every scrape."""
    before = next((each for each in known if each.name == found.name), None)
    return before is not None and (before.warning is None) == (found.warning is None)


def baseline_noted(situation: Situation) -> Situation | None:
    """The explanation shares of training are remembered where a gate compares with them."""
    candidate, found = situation.status.candidate, situation.seen.inspected
    if candidate is None or candidate.stage is not Stage.PREPARING or found is None:
        return None
    mine = (found.revision, found.since) == (candidate.revision, candidate.started_at)
    wanted = any(gate.kind.compares_with_training for gate in candidate.plan.gates)
    if candidate.baseline or not (mine and wanted and found.baseline):
        return None
    shares = sorted(found.baseline.items(), key=lambda each: -each[1])[:MOST_FEATURES]
    return situation.with_candidate(
        baseline=tuple(FeatureShare(feature=f, share=f"{share:.6f}") for f, share in shares)
    )


def blindness_clock(situation: Situation) -> Situation | None:
    """Since when some gate has had no data is remembered, and forgotten when it sees again.

    It stays while a person is waited for, and while nothing was asked yet, as after a restart.
    """
    candidate = situation.status.candidate
    if candidate is None or candidate.no_data_paused:
        return None
    if candidate.stage is Stage.CANARY and not situation.seen.judgements_of(candidate.revision):
        return None
    blind = candidate.stage is Stage.CANARY and bool(
        deciding(situation, candidate, Verdict.UNKNOWN)
    )
    if blind == (candidate.no_data_since is not None):
        return None
    return situation.with_candidate(no_data_since=situation.seen.now if blind else None)


def blind_too_long(situation: Situation) -> Situation | None:
    """A gate has had no data for longer than the plan accepts."""
    candidate = situation.status.candidate
    if candidate is None or candidate.no_data_since is None or candidate.promote_requested:
        return None
    plan = candidate.plan
    if situation.seen.now - candidate.no_data_since <= after(plan.no_data_deadline):
        return None
    missing = deciding(situation, candidate, Verdict.UNKNOWN)
    if not missing:
        return None
    if plan.no_data == "Pause" and not candidate.no_data_paused:
        return situation.with_candidate(no_data_paused=True)
    if plan.no_data != "Rollback":
        return None
    name, judgement = missing[0]
    within = f"no data for longer than {plan.no_data_deadline}"
    message = f"gate {name}: {within}: {judgement.reason}: {judgement.message}"
    return roll_back(situation, Reason.NO_DATA, message)


def gate_blind_too_long(situation: Situation, candidate: Candidate) -> Situation | None:
    """The progress deadline is over, and a gate still finds nothing on stable."""
    if candidate.promote_requested or not situation.seen.blind:
        return None
    name, why = next(iter(situation.seen.blind.items()))
    return roll_back(situation, Reason.NO_BASELINE_DATA, f"gate {name}: {why}")


# --- holds ----------------------------------------------------------------------------------------


def gate_blind_on_stable(situation: Situation, candidate: Candidate) -> Hold | None:
    """A gate that finds nothing on what serves could not judge: no traffic unwatched."""
    if candidate.promote_requested or not situation.seen.blind:
        return None
    if situation.seen.now - candidate.stage_at <= BLIND_PATIENCE:
        return Hold(Reason.AWAITING_FIRST_SCRAPE, "no samples of stable have been read yet")
    name, why = next(iter(situation.seen.blind.items()))
    return Hold(
        Reason.NO_BASELINE_DATA,
        f"gate {name}: {why}; correct spec.rollout.gates, or promote without it: "
        f"{how_to(Command.PROMOTE, candidate)}",
    )


def gate_blind(situation: Situation, candidate: Candidate) -> Hold | None:
    """A gate has no data: neither good nor bad, so nothing moves (P3)."""
    expected = len(candidate.plan.gates)
    if len(situation.seen.judgements_of(candidate.revision)) < expected:
        return Hold(Reason.AWAITING_DATA, "the gates have not been asked yet")
    for name, judgement in deciding(situation, candidate, Verdict.UNKNOWN):
        return Hold(Reason.AWAITING_DATA, f"gate {name}: {judgement.reason}: {judgement.message}")
    return None


def nothing_else_serves(situation: Situation, candidate: Candidate) -> Hold | None:
    """A gate says that the canary is worse, but without it nothing would serve at all."""
    serving = situation.serving()
    if serving is None or serving.ready:
        return None
    for name, judgement in failing(situation, candidate.plan, candidate.revision, OnFail.ROLLBACK):
        return Hold(
            Reason.STABLE_DEGRADED,
            f"gate {name} failed: {judgement.message}; not taken back while stable has no ready "
            f"pod, as nothing else would serve; {how_to(Command.ABORT, candidate)} all the same, "
            f"or {how_to(Command.PROMOTE, candidate)}",
        )
    return None


def approval_awaited_by_gate(situation: Situation, candidate: Candidate) -> Hold | None:
    """A gate whose failure pauses says that the canary is worse."""
    for name, judgement in failing(situation, candidate.plan, candidate.revision, OnFail.PAUSE):
        return Hold(
            Reason.AWAITING_APPROVAL,
            f"gate {name} failed and pauses: {judgement.message}; "
            f"{how_to(Command.PROMOTE, candidate)} or {how_to(Command.ABORT, candidate)}",
        )
    return None


def approval_awaited_without_data(_: Situation, candidate: Candidate) -> Hold | None:
    """A gate had no data for so long that a person has to say how to go on."""
    if not candidate.no_data_paused:
        return None
    since = candidate.no_data_since or candidate.stage_at
    return Hold(
        Reason.AWAITING_APPROVAL,
        f"a gate had no data for longer than {candidate.plan.no_data_deadline} (noData: Pause); "
        f"go on with {how_to(Command.ADVANCE, candidate, mark=int(since.timestamp()))}, or "
        f"{how_to(Command.ABORT, candidate)}",
    )
