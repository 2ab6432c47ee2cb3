"""What the gates say at one pass: from the evidence to judgements, or what is missing for them. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.api.gates import OnFail
from davylamp.api.spec import Rollout
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.evidence.tracked import TrackedEvidence
from davylamp.controller.reconcile.forecasts import with_forecasts
from davylamp.gates import Around, Channel, Trial, judge_all
from davylamp.rollout import Observation, Workload


def with_judgements(
    seen: Observation, status: ModelDeploymentStatus, evidence: TrackedEvidence
) -> Observation:
    """The observation with what the gates say about the candidate, or stable in its probation."""
    judged = status.candidate or (status.stable if status.previous else None)
    if judged is None:
        return seen
    ready = _ready(seen.workload(judged.revision))
    other = status.stable if status.candidate else None
    around = Around(
        now=seen.now.timestamp(),
        ready_candidate_pods=ready,
        ready_stable_pods=_ready(seen.workload(other.revision) if other else None),
        errors={channel: _fault(error) for channel, error in evidence.errors.items()},
        query_errors={gate: _fault(error) for gate, error in evidence.query_errors.items()},
    )
    seen = replace(
        seen,
        judged=judged.revision,
        source_error=_source_error(evidence, _plan_of(status, seen)),
        first_scrape_seen=_is_seen(ready, evidence, _plan_of(status, seen)),
    )
    trials = {name: t for name, t in evidence.trials.items() if t.started_at <= around.now}
    if not trials:
        return with_forecasts(seen, status, evidence, around)
    told = {name: t for name, t in trials.items() if _is_up_to_date(t, evidence)}
    return replace(seen, judgements=judge_all(told, evidence.family, around))


def _is_up_to_date(trial: Trial, evidence: TrackedEvidence) -> bool:
    """Whether its counters were read up to now, or cannot be; after a restart that takes a while."""
    channel = trial.rule.channel
    return channel in evidence.answered | evidence.errors.keys() | {Channel.QUERY}


def _plan_of(status: ModelDeploymentStatus, seen: Observation) -> Rollout:
    return status.candidate.plan if status.candidate else seen.rollout


def _source_error(evidence: TrackedEvidence, plan: Rollout) -> str | None:
    """Why what some gate needs could not be read; those that only warn have no say.

    A query that is answered badly is not the source's fault: its gate is blind.
    """
    heard = _heard(evidence, plan)
    counters = (str(e) for channel, e in evidence.errors.items() if channel in heard.values())
    own = (
        f"gate {gate}: {error}"
        for gate, error in evidence.query_errors.items()
        if gate in heard and error.fault is SourceFault.DOWN
    )
    return next(chain(counters, own), None)


def _is_seen(ready: frozenset[str], evidence: TrackedEvidence, plan: Rollout) -> bool:
    """Whether the gates have seen all pods, and own queries were answered, well or not."""
    channels = {trial.rule.channel for trial in evidence.trials.values()}
    heard = _heard(evidence, plan)
    own = {gate for gate, channel in heard.items() if channel is Channel.QUERY}
    needs_no_scrape = channels == {Channel.QUERY}
    scraped = needs_no_scrape or ready <= evidence.scraped
    return scraped and own <= evidence.queried | evidence.query_errors.keys()


def _heard(evidence: TrackedEvidence, plan: Rollout) -> Mapping[str, Channel]:
    """What is read for each gate that does more than warn."""
    silent = {gate.name for gate in plan.gates if gate.action is OnFail.WARN}
    return {name: t.rule.channel for name, t in evidence.trials.items() if name not in silent}


def _fault(error: SourceError) -> tuple[str, str]:
    return error.fault.value, str(error)


def _ready(workload: Workload | None) -> frozenset[str]:
    if workload is None:
        return frozenset()
    return frozenset(pod.name for pod in workload.living if pod.ready)
