"""What the gates say at one pass: from the evidence to judgements, or what is missing for them. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

from davylamp.adapters.errors import SourceFault
from davylamp.api.gates import OnFail
from davylamp.api.spec import Rollout
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.evidence.tracked import TrackedEvidence
from davylamp.controller.reconcile.observing.forecasts import with_forecasts
from davylamp.gates import JudgementContext, MissingData, Trial, judge_all
from davylamp.gates.missing_data import unread
from davylamp.rollout import Observation, Workload


def with_judgements(
    observation: Observation, status: ModelDeploymentStatus, evidence: TrackedEvidence
) -> Observation:
    """The observation with what the gates say about the candidate, or stable in its probation."""
    judged = status.candidate or (status.stable if status.previous else None)
    if judged is None:
        return observation
    context = _context(observation, status, evidence, judged.revision)
    plan = status.candidate.plan if status.candidate else observation.rollout
    observation = replace(
        observation,
        judged=judged.revision,
        source_error=_source_error(evidence, plan),
        first_scrape_seen=_is_first_scraped(context.candidate_pods, evidence, plan),
    )
    begun = {name: t for name, t in evidence.trials.items() if t.started_at <= context.now}
    if not begun:
        return with_forecasts(observation, status, evidence, context)
    known = {name: trial for name, trial in begun.items() if _is_up_to_date(trial, evidence)}
    return replace(observation, judgements=judge_all(known, evidence.family, context))


def _context(
    observation: Observation, status: ModelDeploymentStatus, evidence: TrackedEvidence, judged: str
) -> JudgementContext:
    stable = status.stable if status.candidate else None
    return JudgementContext(
        now=observation.now.timestamp(),
        candidate_pods=_ready(observation.workload(judged)),
        stable_pods=_ready(observation.workload(stable.revision) if stable else None),
        unread=_unread(evidence),
    )


def _unread(evidence: TrackedEvidence) -> Mapping[str, MissingData]:
    """By gate: why its counters or the values of its user query could not be read."""
    errors = {
        name: evidence.query_errors.get(name)
        if trial.rule.channel is None
        else evidence.errors.get(trial.rule.channel)
        for name, trial in evidence.trials.items()
    }
    return {name: unread(error.fault.value, str(error)) for name, error in errors.items() if error}


def _is_up_to_date(trial: Trial, evidence: TrackedEvidence) -> bool:
    """Whether its counters were read up to now, or cannot be; after a restart that takes a while."""
    channel = trial.rule.channel
    return channel is None or channel in evidence.answered or channel in evidence.errors


def _source_error(evidence: TrackedEvidence, plan: Rollout) -> str | None:
    """Why what some gate needs could not be read; those that only warn have no say.

    A query that is answered badly is not the source's fault: its gate has no data.
    """
    heeded = _heeded(evidence, plan)
    channels = {trial.rule.channel for trial in heeded.values()}
    counters = (str(error) for channel, error in evidence.errors.items() if channel in channels)
    queries = (
        f"gate {gate}: {error}"
        for gate, error in evidence.query_errors.items()
        if gate in heeded and error.fault is SourceFault.DOWN
    )
    return next(chain(counters, queries), None)


def _is_first_scraped(ready: frozenset[str], evidence: TrackedEvidence, plan: Rollout) -> bool:
    """Whether all pods were scraped, and user queries were answered, well or not."""
    asked = {gate for gate, trial in _heeded(evidence, plan).items() if trial.rule.channel is None}
    channels = {trial.rule.channel for trial in evidence.trials.values()}
    needs_no_scrape = channels == {None}
    scraped = needs_no_scrape or ready <= evidence.scraped
    return scraped and asked <= evidence.queried | evidence.query_errors.keys()


def _heeded(evidence: TrackedEvidence, plan: Rollout) -> Mapping[str, Trial]:
    """The trials of the gates that do more than warn."""
    silent = {gate.name for gate in plan.gates if gate.action is OnFail.WARN}
    return {name: trial for name, trial in evidence.trials.items() if name not in silent}


def _ready(workload: Workload | None) -> frozenset[str]:
    if workload is None:
        return frozenset()
    return frozenset(pod.name for pod in workload.living if pod.ready)
