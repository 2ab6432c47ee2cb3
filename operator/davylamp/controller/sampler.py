"""Asks Prometheus about all rollouts at once, and folds the answers into evidence.

One query a tick however many rollouts there are (two while some have to catch up after a restart
or an outage), and none at all while nothing is judged (P9). Evidence is a pure function of what
Prometheus holds and of the weight changes in the status, so losing it costs one longer query (P5).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from davylamp.adapters.errors import SourceError
from davylamp.adapters.prometheus import MetricSource
from davylamp.adapters.promql import CounterQuery
from davylamp.controller.cache import Key
from davylamp.controller.logs import about
from davylamp.controller.settings import MetricSettings
from davylamp.gates import GateState, Sample, Scrapes, Trial, start, update

_log = logging.getLogger(__name__)
TICK: Final = 1.0
"""Seconds between polls; a scrape is judged at most this long after it can be seen."""
LAG: Final = 1.0
"""Seconds that a sample may take from its scrape until Prometheus can be asked for it."""
BASELINE_SCRAPES: Final = 4
"""Scrape intervals to look back, so that running pods have a counter value to start from."""
LONGEST_WINDOW: Final = 6 * 3600.0

Workload = tuple[str, str]
"""Namespace and name of a Deployment."""
Scraped = Mapping[Workload, Mapping[str, tuple[Sample, ...]]]
"""Samples by Deployment and pod."""


@dataclass(frozen=True)
class Subject:
    """What is judged: two Deployments by name, and the trials by gate.

    Without trials the pods are only looked for, to know when the gates will be able to see them.
    """

    namespace: str
    candidate: str
    stable: str | None = None
    trials: Mapping[str, Trial] = field(default_factory=dict)

    def same_trials(self, other: "Subject") -> bool:
        """Whether evidence gathered for the other is evidence for this one."""
        mine = {name: (trial.rule, trial.started_at) for name, trial in self.trials.items()}
        theirs = {name: (trial.rule, trial.started_at) for name, trial in other.trials.items()}
        return (self.candidate, self.stable, mine) == (other.candidate, other.stable, theirs)


@dataclass(frozen=True)
class Evidence:
    """What is known about a subject now."""

    trials: Mapping[str, Trial] = field(default_factory=dict)
    states: Mapping[str, GateState] = field(default_factory=dict)
    scraped: frozenset[str] = frozenset()
    """Pods with at least one sample."""
    error: SourceError | None = None


@dataclass
class _Followed:
    subject: Subject
    states: dict[str, GateState]
    since: float
    """Epoch seconds from which samples are still needed."""
    newest: dict[str, float] = field(default_factory=dict)
    error: SourceError | None = None


class Sampler:
    """Keeps the evidence of every subject that is followed.

    Args:
        source: where the samples come from.
        settings: which series to ask for.
        on_news: told of each key about which something new was seen.
        clock: epoch seconds.
    """

    def __init__(
        self,
        source: MetricSource,
        settings: MetricSettings,
        *,
        on_news: Callable[[Key], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._settings = settings
        self._on_news = on_news
        self._clock = clock
        self._followed: dict[Key, _Followed] = {}
        self._is_down = False
        self._wanted = asyncio.Event()

    def follow(self, key: Key, subject: Subject | None) -> None:
        """Judge a subject from now on; None stops it."""
        known = self._followed.get(key)
        if subject is None:
            self._followed.pop(key, None)
        elif known and known.subject.same_trials(subject):
            known.subject = subject
        else:
            states = {name: start(trial) for name, trial in subject.trials.items()}
            self._followed[key] = _Followed(
                subject, states, self._beginning(subject), error=known.error if known else None
            )
            self._wanted.set()

    def evidence(self, key: Key) -> Evidence:
        """What is known about a key's subject."""
        known = self._followed.get(key)
        if known is None:
            return Evidence()
        return Evidence(
            known.subject.trials, dict(known.states), frozenset(known.newest), known.error
        )

    async def run(self) -> None:
        """Poll while there is something to judge; never returns."""
        while True:
            if not self._followed:
                self._is_down = False
                self._wanted.clear()
                await self._wanted.wait()
            began = time.monotonic()
            try:
                await self.poll()
            except Exception:  # noqa: BLE001 - a bug must not end judging for good
                _log.exception("judging failed; trying again")
            await asyncio.sleep(max(0.05, TICK - (time.monotonic() - began)))

    async def poll(self) -> None:
        """Ask once about everything, and take in the answers."""
        now = self._clock()
        recent = now - self._look_back()
        groups = (
            {k: f for k, f in self._followed.items() if f.since >= recent},
            {k: f for k, f in self._followed.items() if f.since < recent},
        )
        errors = [await self._ask(group, now) for group in groups if group]
        self._note(next((error for error in errors if error), None))

    async def _ask(self, group: dict[Key, _Followed], now: float) -> SourceError | None:
        """Take in what there is about a group; the error if there was no answer."""
        since = max(min(f.since for f in group.values()), now - LONGEST_WINDOW)
        try:
            answer = await self._source.scrapes(self._query(group.values(), now, since))
        except SourceError as error:
            for key, followed in group.items():
                self._failed(key, followed, error)
            return error
        scraped = _by_workload(answer)
        for key, followed in group.items():
            if self._followed.get(key) is followed:
                self._judge(key, followed, scraped, now)
        return None

    def _judge(self, key: Key, followed: _Followed, scraped: Scraped, now: float) -> None:
        """Take in one subject's samples; a bug met by one must not keep the others unjudged."""
        recovered, followed.error = followed.error is not None, None
        try:
            news = self._take_in(followed, scraped, now)
        except Exception:
            log = about(_log, namespace=key.namespace, name=key.name)
            log.exception("judging failed; trying again")
            return
        if news or recovered:
            self._on_news(key)

    def _failed(self, key: Key, followed: _Followed, error: SourceError) -> None:
        before, followed.error = followed.error, error
        if before is None or before.fault is not error.fault:
            self._on_news(key)

    def _note(self, error: SourceError | None) -> None:
        """Log the beginning of an outage and its end."""
        if error and not self._is_down:
            _log.warning("cannot judge: %s", error)
        if self._is_down and not error:
            _log.info("judging again: Prometheus answers")
        self._is_down = error is not None

    def _take_in(self, followed: _Followed, scraped: Scraped, now: float) -> bool:
        subject = followed.subject
        candidate = scraped.get((subject.namespace, subject.candidate), {})
        stable = scraped.get((subject.namespace, subject.stable), {}) if subject.stable else {}
        seen = Scrapes(until=now - LAG, stable=stable, candidate=candidate)
        for name, trial in subject.trials.items():
            followed.states[name] = update(trial, followed.states[name], seen)
        followed.since = max(followed.since, now - self._look_back() / 2)
        newest = {pod: max(s.time for s in samples) for pod, samples in candidate.items()}
        newest |= {pod: max(s.time for s in samples) for pod, samples in stable.items()}
        news = newest != followed.newest
        followed.newest = newest
        return news

    def _query(self, group: Iterable[_Followed], now: float, since: float) -> CounterQuery:
        workloads = {
            (f.subject.namespace, deployment)
            for f in group
            for deployment in (f.subject.candidate, f.subject.stable)
            if deployment
        }
        told = self._settings
        return CounterQuery(
            metric=told.requests_metric,
            selector=told.requests_selector,
            code_label=told.code_label,
            error_codes=told.error_codes,
            namespace_label=told.namespace_label,
            pod_label=told.pod_label,
            workloads=frozenset(workloads),
            at=now,
            window=now - since,
        )

    def _look_back(self) -> float:
        return 2 * BASELINE_SCRAPES * self._settings.scrape_interval

    def _beginning(self, subject: Subject) -> float:
        first = min((t.started_at for t in subject.trials.values()), default=self._clock())
        return first - BASELINE_SCRAPES * self._settings.scrape_interval


def _by_workload(answer: Mapping[tuple[str, str], tuple[Sample, ...]]) -> Scraped:
    """Samples by Deployment, whose pods are called `<deployment>-<hash>-<suffix>`."""
    found: dict[Workload, dict[str, tuple[Sample, ...]]] = {}
    for (namespace, pod), samples in answer.items():
        found.setdefault((namespace, pod.rsplit("-", 2)[0]), {})[pod] = samples
    return found
