"""Folds what was read into a rollout's evidence: one reading at a time, beside the event loop.

Minutes of histograms take seconds to fold. In the event loop they would keep the lease from being
renewed, and a rollback of another model from being written. The few counters of a second are folded
at once: handing them to a thread costs more than folding them.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from davylamp.adapters.errors import SourceError
from davylamp.adapters.pod_names import DeploymentRef, PodRef, deployment_of
from davylamp.adapters.pods.metrics import TIMEOUT as SWEEP_TIMEOUT
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.tracked import CounterProgress, TrackedRollout
from davylamp.controller.logs import about
from davylamp.gates import Channel, GateFamily, QueryAnswers, Sample, Scrapes, take_in
from davylamp.gates.recording.store import noted, values_noted

_log = logging.getLogger(__name__)
ByPod: TypeAlias = Mapping[str, tuple[Sample, ...]]
Scraped: TypeAlias = Mapping[DeploymentRef, ByPod]
"""Samples by Deployment and pod."""
_NOTHING: Final[ByPod] = {}
FEW: Final = 400
"""Numbers that are folded within some milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterReading:
    """What was read of the pods' counters of one rollout, from Prometheus or from the pods.

    Attributes:
        scraped: samples by channel that could be read; may hold pods of others.
        until: epoch seconds; later samples do not count yet.
        read_until: epoch seconds before which no sample is needed again.
        is_present: whether it reaches up to now; else more must be read before anything is news.
        is_sweep: whether the pods were read directly.
        errors: why other channels could not be read.
        recovered: channels whose errors end with this reading.
    """

    scraped: Mapping[Channel, Scraped]
    until: float
    read_until: float
    is_present: bool = True
    is_sweep: bool = False
    errors: Mapping[Channel, SourceError] = field(default_factory=dict)
    recovered: Collection[Channel] = ()


async def take_in_counters(tracked: TrackedRollout, reading: CounterReading) -> bool:
    """Fold a reading into evidence and recording; whether decisions may change by it.

    An error is known at once, and ends when what it kept back was folded: until then gates would
    take samples for old that are just not read yet.
    """
    before, counters = tracked.faults, tracked.counters
    tracked.counters = replace(counters, errors={**counters.errors, **reading.errors})
    async with tracked.folding:
        is_new = await _fold_samples(tracked, reading)
    tracked.counters = _progress(tracked, reading)
    return (is_new and reading.is_present) or before != tracked.faults


async def take_in_answers(tracked: TrackedRollout, gate: str, answers: QueryAnswers) -> None:
    """Fold what a gate's user query gave into evidence and recording."""
    async with tracked.folding:
        family = await _folded(tracked, {}, {gate: answers})
        recording = values_noted(tracked.folded.recording, gate, answers)
        tracked.folded = replace(tracked.folded, family=family, recording=recording)


def by_deployment(answer: Mapping[PodRef, tuple[Sample, ...]]) -> Scraped:
    """Samples by Deployment and pod."""
    scraped: dict[DeploymentRef, dict[str, tuple[Sample, ...]]] = {}
    for (namespace, pod), samples in answer.items():
        if samples:
            scraped.setdefault((namespace, deployment_of(pod)), {})[pod] = samples
    return scraped


def scrapes_of(
    subject: Subject, scraped: Scraped, *, until: float, after: float = -math.inf
) -> Scrapes:
    """A subject's own part of what was read of all pods, of (after, until].

    A sample later than `until` would wait in the gates, and be counted between sweeps that
    began before it: a counter could fall.
    """

    def of(deployment: str | None) -> ByPod:
        pods = scraped.get((subject.namespace, deployment), _NOTHING) if deployment else _NOTHING
        within = {
            pod: tuple(sample for sample in samples if after < sample.time <= until)
            for pod, samples in pods.items()
        }
        return {pod: samples for pod, samples in within.items() if samples}

    return Scrapes(until=until, stable=of(subject.stable), candidate=of(subject.candidate))


@contextlib.contextmanager
def isolated(key: Key) -> Iterator[None]:
    """Log a bug that one rollout meets; it must not keep the others unjudged."""
    try:
        yield
    except Exception:
        log = about(_log, namespace=key.namespace, name=key.name)
        log.exception("judging failed; trying again")


async def _fold_samples(tracked: TrackedRollout, reading: CounterReading) -> bool:
    """Fold samples while nobody else folds; whether any was newer than before.

    A pod is read up to `SWEEP_TIMEOUT` after the time of its sweep: an earlier scrape may know
    less, and counters that fall would count as a restart. So Prometheus counts from then on.
    """
    folded = tracked.folded
    after = -math.inf if reading.is_sweep else folded.swept_at + SWEEP_TIMEOUT
    scrapes = {
        channel: scrapes_of(tracked.subject, scraped, until=reading.until, after=after)
        for channel, scraped in reading.scraped.items()
    }
    family = await _folded(tracked, scrapes, {})
    recording = folded.recording
    for channel, scrape in scrapes.items():
        recording = noted(recording, channel, scrape)
    newest = _newest(folded.newest, scrapes)
    tracked.folded = replace(
        folded,
        family=family,
        recording=recording,
        newest=newest,
        swept_at=reading.until if reading.is_sweep else folded.swept_at,
    )
    return newest != folded.newest


async def _folded(
    tracked: TrackedRollout,
    scrapes: Mapping[Channel, Scrapes],
    answers: Mapping[str, QueryAnswers],
) -> GateFamily:
    trials, family = tracked.subject.trials, tracked.folded.family
    if not answers and _size(scrapes.values()) <= FEW:
        return take_in(trials, family, scrapes, answers)
    return await asyncio.to_thread(take_in, trials, family, scrapes, answers)


def _size(scrapes: Iterable[Scrapes]) -> int:
    """How many numbers have to be looked at."""
    arms = (arm for scrape in scrapes for arm in (scrape.candidate, scrape.stable))
    samples = (sample for arm in arms for pod in arm.values() for sample in pod)
    return sum(2 + len(sample.parts) for sample in samples)


def _newest(known: Mapping[str, float], scrapes: Mapping[Channel, Scrapes]) -> Mapping[str, float]:
    """The time of each pod's newest sample."""
    newest = dict(known)
    for scrape in scrapes.values():
        for pods in (scrape.candidate, scrape.stable):
            for pod, samples in pods.items():
                newest[pod] = max(newest.get(pod, -math.inf), *(s.time for s in samples))
    return newest


def _progress(tracked: TrackedRollout, reading: CounterReading) -> CounterProgress:
    counters, unread = tracked.counters, tracked.unread
    read = {c: max(unread[c], reading.read_until) for c in reading.scraped if c in unread}
    errors = {c: e for c, e in counters.errors.items() if c not in reading.recovered}
    answered = counters.answered | (reading.scraped.keys() if reading.is_present else frozenset())
    return CounterProgress({**counters.until, **read}, answered, errors)
