"""What is to be judged at each stage: from the status to the pods and trials of the gates. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from davylamp.adapters.prometheus.user_query import ArmNames, QueryScope
from davylamp.api.spec import Rollout
from davylamp.api.status import Candidate, ModelDeploymentStatus, Stage
from davylamp.controller.checks.pod_addresses import pod_targets
from davylamp.controller.evidence.tracked import Subject
from davylamp.gates import Trial
from davylamp.manifests import Owner
from davylamp.rollout.trials import canary_trials, probation_trials, survey_trials
from davylamp.schema.json import JsonObject
from davylamp.schema.quantities import seconds


@dataclass(frozen=True, slots=True)
class Reading:
    """How counters are read: seconds between scrapes, and whether pods may be read directly."""

    scrape_interval: float = 5.0
    pods_allowed: bool = True


def subject_of(
    owner: Owner,
    status: ModelDeploymentStatus,
    rollout: Rollout,
    pods: Iterable[JsonObject],
    how: Reading,
) -> Subject | None:
    """The pods and trials to follow now; None while there is nothing to judge."""
    if status.candidate and status.stable:
        found = _of_canary(owner, status.candidate, status.stable.revision, how)
        plan = status.candidate.plan
    elif status.previous and status.stable and rollout.gates and not status.candidate:
        stable = status.stable
        at, before = stable.promoted_at.timestamp(), status.previous.rates
        trials = probation_trials(rollout, at, before, how.scrape_interval)
        subject = Subject(owner.namespace, owner.child(stable.revision), None, trials)
        found = replace(subject, scope=_scope(owner, stable.revision, None, trials))
        plan = rollout
    else:
        return None
    if found is None or plan.evidence.source != "Pods" or not how.pods_allowed:
        return found
    deployments = {each for each in (found.candidate, found.stable) if each}
    return replace(
        found,
        sweep_every=min(float(seconds(plan.evidence.interval)), how.scrape_interval),
        pods=pod_targets(pods, deployments),
    )


def _of_canary(owner: Owner, candidate: Candidate, stable: str, how: Reading) -> Subject | None:
    if candidate.stage is Stage.RETURNING or not candidate.plan.gates:
        return None
    make = survey_trials if candidate.stage is Stage.PREPARING else canary_trials
    trials = make(candidate, how.scrape_interval)
    return Subject(
        owner.namespace,
        owner.child(candidate.revision),
        owner.child(stable),
        trials,
        _scope(owner, candidate.revision, stable, trials),
    )


def _scope(
    owner: Owner, candidate: str, stable: str | None, trials: Mapping[str, Trial]
) -> QueryScope | None:
    """What users' own queries are asked about; None where there is none."""
    queries = (trial.rule.user_query for trial in trials.values())
    intervals = [query.interval for query in queries if query is not None]
    if not intervals:
        return None
    return QueryScope(
        namespace=owner.namespace,
        model=owner.name,
        candidate=ArmNames(candidate, owner.child(candidate)),
        stable=ArmNames(stable, owner.child(stable)) if stable else None,
        interval=min(intervals),
    )
