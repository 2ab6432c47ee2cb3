"""What the gates of a candidate without traffic will be able to detect, and which cannot. Pure."""

from dataclasses import replace

from davylamp.adapters.errors import SourceFault
from davylamp.api.spec import Rollout
from davylamp.api.status import ModelDeploymentStatus
from davylamp.api.status_parts import GateForecast
from davylamp.controller.evidence.tracked import TrackedEvidence
from davylamp.gates import JudgementContext
from davylamp.gates.forecast.forecast import forecast, has_samples_of_stable, misfit
from davylamp.gates.forecast.plan import Plan
from davylamp.rollout import Observation
from davylamp.rollout.routing.protocol import planned_share
from davylamp.rollout.routing.registry import router_of
from davylamp.schema.quantities import seconds


def with_forecasts(
    observation: Observation,
    status: ModelDeploymentStatus,
    evidence: TrackedEvidence,
    context: JudgementContext,
) -> Observation:
    """The observation with what the gates know of stable before the canary."""
    if status.candidate is None or not evidence.trials or not context.stable_pods:
        return observation
    plan = _plan(status.candidate.plan, observation.replicas)
    forecasts = {
        name: forecast(trial, evidence.family.states[name], plan)
        for name, trial in evidence.trials.items()
    }
    return replace(
        observation,
        forecast=tuple(
            GateForecast(name=name, message=known.message, warning=known.warning)
            for name, known in forecasts.items()
            if known
        ),
        without_baseline={
            name: why for name in evidence.trials if (why := _why_no_baseline(name, evidence))
        },
    )


def _why_no_baseline(gate: str, evidence: TrackedEvidence) -> str | None:
    """Why a gate could not judge, if so."""
    trial, state = evidence.trials[gate], evidence.family.states[gate]
    if trial.rule.channel is None:
        error = evidence.query_errors.get(gate)
        bad = error is not None and error.fault is SourceFault.BAD_ANSWER
        return str(error) if bad else None
    if trial.rule.channel not in evidence.answered:
        return None
    if not has_samples_of_stable(state):
        return evidence.suggestions.get(gate, "no series of stable's pods")
    return misfit(trial, state)


def _plan(rollout: Rollout, replicas: int) -> Plan:
    """The shares by whole pods of the steps that can be reached."""
    router = router_of(rollout)
    weights = (step.weight for step in rollout.steps if router.canary_pods(step.weight, replicas))
    shares = [planned_share(router, weight, replicas) for weight in weights]
    return Plan(shares, float(seconds(rollout.deadline)))
