"""What the gates of a candidate without traffic will be able to find, and which find nothing. Pure."""

from dataclasses import replace

from davylamp.adapters.errors import SourceFault
from davylamp.api.gate_status import GateForecast
from davylamp.api.spec import Rollout
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.evidence.tracked import TrackedEvidence
from davylamp.gates import Around, Channel
from davylamp.gates.forecast.forecast import Plan, forecast, misfit, sees_stable
from davylamp.rollout import Observation
from davylamp.rollout.routing.protocol import planned_share
from davylamp.rollout.routing.registry import router_of
from davylamp.schema.quantities import seconds


def with_forecasts(
    seen: Observation, status: ModelDeploymentStatus, evidence: TrackedEvidence, around: Around
) -> Observation:
    """The observation with what the gates see of stable before the canary."""
    if status.candidate is None or not evidence.trials or not around.ready_stable_pods:
        return seen
    plan = _plan(status.candidate.plan, seen.replicas)
    forecasts = []
    for name, trial in evidence.trials.items():
        found = forecast(trial, evidence.family.states[name], plan)
        if found:
            told = GateForecast(name=name, message=found.message, warning=found.warning)
            forecasts.append(told)
    blind = {name: why for name in evidence.trials if (why := _blind(name, evidence))}
    return replace(seen, forecast=tuple(forecasts), blind=blind)


def _blind(gate: str, evidence: TrackedEvidence) -> str | None:
    """Why a gate could not judge, if so."""
    trial, state = evidence.trials[gate], evidence.family.states[gate]
    channel = trial.rule.channel
    if channel is Channel.QUERY:
        error = evidence.query_errors.get(gate)
        bad = error is not None and error.fault is SourceFault.BAD_ANSWER
        return str(error) if bad else None
    if channel not in evidence.answered:
        return None
    if not sees_stable(state):
        return evidence.suggestions.get(gate, "no series of stable's pods")
    return misfit(trial, state)


def _plan(rollout: Rollout, replicas: int) -> Plan:
    """The shares by whole pods of the steps that can be reached."""
    router = router_of(rollout)
    weights = (step.weight for step in rollout.steps if router.canary_pods(step.weight, replicas))
    shares = [planned_share(router, weight, replicas) for weight in weights]
    return Plan(shares, float(seconds(rollout.deadline)))
