"""Moves about gates: roll back, warn, and what happens when a gate has no data."""

from typing import Final

from davylamp.api.gates import OnFail
from davylamp.api.names import Reason
from davylamp.api.status import Candidate, Stage
from davylamp.api.status_parts import FeatureShare, GateForecast
from davylamp.gates import Verdict
from davylamp.rollout.holds.gates import deciding, failing
from davylamp.rollout.moves.endings import roll_back
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation, is_over
from davylamp.rollout.stages import IN_TRAFFIC
from davylamp.rollout.wording import named

MOST_FEATURES: Final = 200


# --- before the canary ----------------------------------------------------------------------------


def forecast_noted(situation: Situation) -> Situation | None:
    """What the gates will be able to detect is remembered from before the canary."""
    candidate, forecasts = situation.status.candidate, situation.observation.forecast
    if candidate is None or candidate.stage is not Stage.PREPARING or not forecasts:
        return None
    known = {forecast.name: forecast for forecast in candidate.forecast}
    if candidate.forecast and all(_says_the_same(f, known.get(f.name)) for f in forecasts):
        return None
    names = {forecast.name for forecast in forecasts}
    kept = (forecast for forecast in candidate.forecast if forecast.name not in names)
    return situation.with_candidate(forecast=(*kept, *forecasts))


def _says_the_same(forecast: GateForecast, known: GateForecast | None) -> bool:
    """Whether a forecast is no news: its numbers move with every scrape."""
    return known is not None and (known.warning is None) == (forecast.warning is None)


def baseline_noted(situation: Situation) -> Situation | None:
    """The explanation shares of training are remembered where a gate compares with them."""
    candidate, answer = situation.status.candidate, situation.observation.inspected
    if candidate is None or candidate.stage is not Stage.PREPARING or answer is None:
        return None
    mine = (answer.revision, answer.since) == (candidate.revision, candidate.started_at)
    wanted = any(gate.kind.compares_with_training for gate in candidate.plan.gates)
    if candidate.baseline or not (mine and wanted and answer.baseline):
        return None
    shares = sorted(answer.baseline.items(), key=lambda item: -item[1])[:MOST_FEATURES]
    return situation.with_candidate(
        baseline=tuple(FeatureShare(feature=f, share=f"{share:.6f}") for f, share in shares)
    )


def baseline_missing_too_long(situation: Situation, candidate: Candidate) -> Situation | None:
    """The progress deadline is over, and a gate still reads nothing of stable."""
    without_baseline = situation.observation.without_baseline
    if candidate.promote_requested or not without_baseline:
        return None
    name, why = next(iter(without_baseline.items()))
    return roll_back(situation, Reason.NO_BASELINE_DATA, f"gate {name}: {why}")


# --- in the canary --------------------------------------------------------------------------------


def gate_failed(situation: Situation) -> Situation | None:
    """The evidence says that the candidate is worse.

    Without one ready pod of stable there is nothing to return to: that would be an outage.
    """
    candidate, serving = situation.status.candidate, situation.serving()
    if candidate is None or candidate.stage not in IN_TRAFFIC:
        return None
    if serving is None or not serving.ready:
        return None
    for name, judgement in failing(situation, candidate.plan, candidate.revision, OnFail.ROLLBACK):
        return roll_back(situation, Reason.GATE_FAILED, f"gate {name}: {judgement.message}")
    return None


def gate_warned(situation: Situation) -> Situation | None:
    """A gate that only warns says that the canary is worse: one notice."""
    candidate = situation.status.candidate
    if candidate is None:
        return None
    for name, judgement in failing(situation, candidate.plan, candidate.revision, OnFail.WARN):
        if name not in candidate.warned:
            canary = named(candidate, situation.status.stable)
            message = f"gate {name} would roll back {canary}: {judgement.message}"
            notice = Notice(Reason.GATE_WARNED, message, candidate.revision, "Warning")
            return situation.with_candidate(warned=(*candidate.warned, name)).with_notice(notice)
    return None


def no_data_clock(situation: Situation) -> Situation | None:
    """Since when some gate has had no data is remembered, and forgotten when data come back.

    It stays while a user is waited for, and while no gate was evaluated yet, as after a restart.
    """
    candidate = situation.status.candidate
    if candidate is None or candidate.no_data_paused:
        return None
    in_canary = candidate.stage is Stage.CANARY
    if in_canary and not situation.observation.judgements_of(candidate.revision):
        return None
    missing = in_canary and bool(deciding(situation, candidate, Verdict.UNKNOWN))
    if missing == (candidate.no_data_since is not None):
        return None
    return situation.with_candidate(no_data_since=situation.observation.now if missing else None)


def no_data_too_long(situation: Situation) -> Situation | None:
    """A gate has had no data for longer than the plan accepts."""
    candidate = situation.status.candidate
    if candidate is None or candidate.no_data_since is None or candidate.promote_requested:
        return None
    plan = candidate.plan
    if not is_over(situation, candidate.no_data_since, plan.no_data_deadline):
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
