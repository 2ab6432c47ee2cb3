"""Samples in the order of time, whatever the pieces in which they arrived.

Evidence may depend on the history alone. So samples are taken instant by instant up to the
watermark, those above it wait, and a sample that is not newer than the pod's last one is ignored.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from davylamp.gates.rules import SequentialRule
from davylamp.gates.samples import Arm, Sample, Scrapes, increment, usable
from davylamp.gates.trial import Trial
from davylamp.gates.verdicts import Count


@dataclass(frozen=True, slots=True, order=True)
class PodKey:
    """A pod and the side it is on."""

    arm: str
    pod: str

    @property
    def is_candidate(self) -> bool:
        """Tell whether the pod runs the new revision."""
        return self.arm == Arm.CANDIDATE.value


@dataclass(frozen=True, slots=True)
class Scraped:
    """One usable sample and the pod it is of."""

    key: PodKey
    sample: Sample


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pod did between `since` and the instant at hand (epoch seconds)."""

    key: PodKey
    since: float
    count: Count

    @property
    def candidate(self) -> bool:
        """Tell whether the pod runs the new revision."""
        return self.key.is_candidate


def split(
    pending: Iterable[Scraped], scrapes: Scrapes, seen_up_to: float
) -> tuple[list[Scraped], tuple[Scraped, ...]]:
    """Part what is new into samples that may be counted now, in order, and those that wait."""
    known = {(each.sample.time, each.key): each for each in pending}
    for each in _flat(scrapes):
        if each.sample.time > seen_up_to:
            known.setdefault((each.sample.time, each.key), each)
    ordered = [known[moment] for moment in sorted(known)]
    due = [each for each in ordered if each.sample.time <= scrapes.until]
    return due, tuple(ordered[len(due) :])


def instants(due: Iterable[Scraped]) -> Iterator[tuple[float, list[Scraped]]]:
    """Group ordered samples by the moment of their scrape."""
    for moment, group in itertools.groupby(due, key=lambda each: each.sample.time):
        yield moment, list(group)


def readings(
    trial: Trial, last: Mapping[PodKey, Sample], group: Iterable[Scraped]
) -> list[Reading]:
    """Turn the samples of one instant into counts against each pod's last sample."""
    found = (_reading(trial, last.get(each.key), each) for each in group)
    return [each for each in found if each is not None]


def warm(trial: Trial, first: Mapping[PodKey, float], found: Iterable[Reading]) -> list[Reading]:
    """The readings of pods that are past their warm-up."""
    ready = trial.rule.warm_up if isinstance(trial.rule, SequentialRule) else 0.0
    return [each for each in found if not ready or each.since >= first[each.key] + ready]


def _reading(trial: Trial, previous: Sample | None, now: Scraped) -> Reading | None:
    """Count one sample; None where it can only be a baseline.

    A candidate pod first seen inside the trial was born in it, with its counters at zero. A stable
    pod first seen may have served for weeks. Before the trial only stable is counted.
    """
    time = now.sample.time
    inside = time > trial.started_at
    if previous is None and not (now.key.is_candidate and inside):
        return None
    if now.key.is_candidate and not inside:
        return None
    born = max(trial.started_at, time - trial.scrape_interval)
    since = born if previous is None else previous.time
    return Reading(now.key, since, increment(previous, now.sample))


def _flat(scrapes: Scrapes) -> Iterator[Scraped]:
    for arm, pods in ((Arm.STABLE, scrapes.stable), (Arm.CANDIDATE, scrapes.candidate)):
        for pod, samples in pods.items():
            key = PodKey(arm.value, pod)
            yield from (Scraped(key, sample) for sample in samples if usable(sample))
