"""What the sampler knows about one rollout that it follows: whose pods, which trials, what was found."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.pods.metrics import PodTarget, Sweep
from davylamp.adapters.prometheus.user_query import QueryScope
from davylamp.gates import Channel, GateFamily, Sample, Scrapes, Trial, UserQuery, open_family
from davylamp.gates.recording.store import Recording

BASELINE_SCRAPES: Final = 4
"""Scrape intervals to look back, so that running pods have a counter value to start from."""
SURVEY: Final = 600.0
"""Seconds before a canary in which stable alone is looked at."""

Workload = tuple[str, str]
"""Namespace and name of a Deployment."""
Scraped = Mapping[Workload, Mapping[str, tuple[Sample, ...]]]
"""Samples by Deployment and pod."""


@dataclass(frozen=True)
class Subject:
    """What is judged: two Deployments by name, and the trials by gate.

    `scope` is what users' own queries are asked about. With `sweep_every` (seconds) the pods are
    read by the operator itself.
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
    def channels(self) -> frozenset[Channel]:
        """What has to be read of its pods."""
        channels = (trial.rule.channel for trial in self.trials.values())
        return frozenset(channel for channel in channels if channel is not None)

    @property
    def queries(self) -> Mapping[str, UserQuery]:
        """User queries, by gate."""
        queries = {name: trial.rule.user_query for name, trial in self.trials.items()}
        return {name: query for name, query in queries.items() if query is not None}

    def beginning(self, now: float, scrape_interval: float) -> float:
        """The moment from which samples are needed, in epoch seconds."""
        first = min((trial.started_at for trial in self.trials.values()), default=now)
        back = BASELINE_SCRAPES * scrape_interval
        return min(first, now) - (max(SURVEY, back) if self.stable else back)


@dataclass(frozen=True)
class Evidence:
    """What is known about a subject now."""

    trials: Mapping[str, Trial] = field(default_factory=dict)
    family: GateFamily = field(default_factory=GateFamily)
    scraped: frozenset[str] = frozenset()
    """Pods with at least one sample."""
    errors: Mapping[Channel, SourceError] = field(default_factory=dict)
    query_errors: Mapping[str, SourceError] = field(default_factory=dict)
    answered: frozenset[Channel] = frozenset()
    """Channels that were read up to the present at least once; of others, part is still unread."""
    queried: frozenset[str] = frozenset()
    """Gates whose own query was answered at least once."""
    seen_instead: Mapping[str, str] = field(default_factory=dict)
    """By gate that found nothing on stable: what there is instead."""


@dataclass
class TrackedRollout:
    """A subject and what was found so far; only the sampler changes it."""

    subject: Subject
    since: float
    """Epoch seconds from which samples are needed."""
    family: GateFamily
    recording: Recording
    folding: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever changes panel and recording."""
    read: dict[Channel, float] = field(default_factory=dict)
    """Epoch seconds up to which each channel was read, so that nothing before is still needed."""
    newest: dict[str, float] = field(default_factory=dict)
    tried: dict[Channel, float] = field(default_factory=dict)
    """When each channel's past was last asked about, by a clock that only goes forward."""
    errors: dict[Channel, SourceError] = field(default_factory=dict)
    query_errors: dict[str, SourceError] = field(default_factory=dict)
    answered: set[Channel] = field(default_factory=set)
    asked_until: dict[str, float] = field(default_factory=dict)
    """By gate: the last moment that its own query was asked about."""
    seen_instead: dict[str, str] = field(default_factory=dict)
    looked_at: dict[str, float] = field(default_factory=dict)
    """By gate: when it was last found out what there is instead, epoch seconds."""
    swept_at: float = -math.inf
    """Epoch seconds of the last sweep that counted."""

    @classmethod
    def begin(cls, subject: Subject, since: float) -> "TrackedRollout":
        """Nothing is known yet."""
        asked = dict.fromkeys(subject.queries, since)
        return cls(subject, since, open_family(subject.trials), Recording(), asked_until=asked)

    @property
    def evidence(self) -> Evidence:
        """What is known now."""
        return Evidence(
            trials=self.subject.trials,
            family=self.family,
            scraped=frozenset(self.newest),
            errors=dict(self.errors),
            query_errors=dict(self.query_errors),
            answered=frozenset(self.answered),
            queried=frozenset(g for g, until in self.asked_until.items() if until > self.since),
            seen_instead=dict(self.seen_instead),
        )

    @property
    def faults(self) -> frozenset[tuple[str, SourceFault]]:
        """What cannot be asked at the moment, channels and own queries, and why."""
        channels = {(channel.name, error.fault) for channel, error in self.errors.items()}
        return frozenset(channels | {(f"gate {g}", e.fault) for g, e in self.query_errors.items()})

    @property
    def unread(self) -> Mapping[Channel, float]:
        """By channel: epoch seconds from which samples are still needed."""
        return {channel: self.read.get(channel, self.since) for channel in self.subject.channels}

    def was_read(self, channel: Channel, until: float) -> None:
        """Note that a channel's samples before a moment (epoch seconds) are not needed again."""
        self.read[channel] = max(self.unread[channel], until)

    def missing(self, sweep: Sweep) -> str | None:
        """Which pod did not tell all that is read of it, and why; None where all did."""
        for pod in self.subject.pods:
            if pod.key in sweep.failed:
                return f"pod {pod.name}: {sweep.failed[pod.key]}"
            silent = [c.name for c in self.subject.channels if pod.key not in sweep.samples[c]]
            if silent:
                return f"pod {pod.name}: tells nothing about {', '.join(sorted(silent))}"
        return None

    def scrapes(self, scraped: Scraped, until: float, *, after: float = -math.inf) -> Scrapes:
        """Its own part of what was read of all pods, of (after, until].

        A sample later than `until` would wait in the gates, and be counted between sweeps that
        began before it: a counter could fall.
        """
        span = after, until
        return Scrapes(
            until=until,
            stable=self._of(scraped, self.subject.stable, span),
            candidate=self._of(scraped, self.subject.candidate, span),
        )

    def _of(
        self, scraped: Scraped, deployment: str | None, span: tuple[float, float]
    ) -> Mapping[str, tuple[Sample, ...]]:
        found = scraped.get((self.subject.namespace, deployment), {}) if deployment else {}
        after, until = span
        within = {
            pod: tuple(s for s in each if after < s.time <= until) for pod, each in found.items()
        }
        return {pod: samples for pod, samples in within.items() if samples}

    def see(self, scrapes: Mapping[Channel, Scrapes]) -> bool:
        """Remember each pod's newest sample; whether anything was newer than before."""
        newest = dict(self.newest)
        for each in scrapes.values():
            for pods in (each.candidate, each.stable):
                for pod, samples in pods.items():
                    newest[pod] = max(newest.get(pod, -math.inf), *(s.time for s in samples))
        news = newest != self.newest
        self.newest = newest
        return news


def by_workload(answer: Mapping[tuple[str, str], tuple[Sample, ...]]) -> Scraped:
    """Samples by Deployment, whose pods are called `<deployment>-<hash>-<suffix>`."""
    found: dict[Workload, dict[str, tuple[Sample, ...]]] = {}
    for (namespace, pod), samples in answer.items():
        if samples:
            found.setdefault((namespace, pod.rsplit("-", 2)[0]), {})[pod] = samples
    return found
