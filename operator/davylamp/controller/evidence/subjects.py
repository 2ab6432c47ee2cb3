"""What is to be judged at each stage: from the status to the pods and trials of the gates. Pure."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from davylamp.adapters.pods.metrics import PodTarget
from davylamp.adapters.prometheus.user_query import ArmNames, QueryScope
from davylamp.api.spec import Rollout
from davylamp.api.status import Candidate, ModelDeploymentStatus, Stage
from davylamp.controller.checks.pod_networks import ANYWHERE, PodNetworks
from davylamp.controller.checks.ready_pods import ReadyPod
from davylamp.gates import Channel, Trial, UserQuery
from davylamp.manifests import Owner
from davylamp.rollout.trials import canary_trials, probation_trials, survey_trials
from davylamp.schema.quantities import seconds

BASELINE_SCRAPES: Final = 4
"""Scrape intervals to look back, so that running pods have a counter value to start from."""
SURVEY: Final = 600.0
"""Seconds before a canary in which stable alone is looked at."""


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How counters are read: seconds between scrapes, and whether and where pods may be asked."""

    scrape_interval: float = 5.0
    pods_allowed: bool = True
    networks: PodNetworks = ANYWHERE


@dataclass(frozen=True)
class Subject:
    """What is judged: two Deployments by name, and the trials by gate.

    `scope` is what user queries are asked about. With `sweep_every` (seconds) the pods are read by
    the operator itself.
    """

    namespace: str
    candidate: str
    stable: str | None = None
    trials: Mapping[str, Trial] = field(default_factory=dict)
    scope: QueryScope | None = None
    sweep_every: float | None = None
    pods: tuple[PodTarget, ...] = ()
    """Ready pods of both revisions."""

    def same_trials(self, other: "Subject") -> bool:
        """Whether evidence gathered for the other is evidence for this one."""
        mine = {name: (trial.rule, trial.started_at) for name, trial in self.trials.items()}
        theirs = {name: (trial.rule, trial.started_at) for name, trial in other.trials.items()}
        return (self.candidate, self.stable, mine) == (other.candidate, other.stable, theirs)

    @property
    def is_survey(self) -> bool:
        """Whether nothing of it is judged yet: it has no traffic."""
        return bool(self.trials) and all(t.started_at == math.inf for t in self.trials.values())

    @property
    def channels(self) -> frozenset[Channel]:
        """What has to be read of its pods."""
        channels = (trial.rule.channel for trial in self.trials.values())
        return frozenset(channel for channel in channels if channel is not None)

    @property
    def queries(self) -> Mapping[str, UserQuery]:
        """User queries, by gate."""
        queries = {name: trial.rule.user_query for name, trial in self.trials.items()}
        return {name: query for name, query in queries.items() if query is not None}

    @property
    def deployments(self) -> tuple[str, ...]:
        """The Deployments whose pods are read."""
        return (self.candidate, self.stable) if self.stable else (self.candidate,)

    def beginning(self, now: float, scrape_interval: float) -> float:
        """The moment from which samples are needed, in epoch seconds."""
        first = min((trial.started_at for trial in self.trials.values()), default=now)
        back = BASELINE_SCRAPES * scrape_interval
        return min(first, now) - (max(SURVEY, back) if self.stable else back)


def subject_of(
    owner: Owner,
    status: ModelDeploymentStatus,
    rollout: Rollout,
    pods: Iterable[ReadyPod],
    settings: ReadSettings,
) -> Subject | None:
    """The pods and trials to track now; None while there is nothing to judge."""
    if status.candidate and status.stable:
        subject = _of_canary(owner, status.candidate, status.stable.revision, settings)
        plan = status.candidate.plan
    else:
        subject, plan = _of_probation(owner, status, rollout, settings), rollout
    if subject is None or plan.evidence.source != "Pods" or not settings.pods_allowed:
        return subject
    return replace(
        subject,
        sweep_every=min(float(seconds(plan.evidence.interval)), settings.scrape_interval),
        pods=pod_targets(pods, subject.deployments),
    )


def pod_targets(pods: Iterable[ReadyPod], deployments: Collection[str]) -> tuple[PodTarget, ...]:
    """Where the ready pods of some Deployments serve their metrics, in the order of the pods."""
    return tuple(
        PodTarget(
            namespace=pod.namespace,
            name=pod.name,
            uid=pod.address.uid,
            host=pod.address.host,
            port=pod.metrics[0],
            path=pod.metrics[1],
        )
        for pod in pods
        if pod.deployment in deployments
    )


def _of_canary(
    owner: Owner, candidate: Candidate, stable: str, settings: ReadSettings
) -> Subject | None:
    if candidate.stage is Stage.RETURNING or not candidate.plan.gates:
        return None
    make = survey_trials if candidate.stage is Stage.PREPARING else canary_trials
    trials = make(candidate, settings.scrape_interval)
    return Subject(
        owner.namespace,
        owner.child(candidate.revision),
        owner.child(stable),
        trials,
        _scope(owner, candidate.revision, stable, trials),
    )


def _of_probation(
    owner: Owner, status: ModelDeploymentStatus, rollout: Rollout, settings: ReadSettings
) -> Subject | None:
    stable, previous = status.stable, status.previous
    if stable is None or previous is None or status.candidate or not rollout.gates:
        return None
    at = stable.promoted_at.timestamp()
    trials = probation_trials(rollout, at, previous.rates, settings.scrape_interval)
    return Subject(
        owner.namespace,
        owner.child(stable.revision),
        None,
        trials,
        _scope(owner, stable.revision, None, trials),
    )


def _scope(
    owner: Owner, candidate: str, stable: str | None, trials: Mapping[str, Trial]
) -> QueryScope | None:
    """What user queries are asked about; None where there is none."""
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
