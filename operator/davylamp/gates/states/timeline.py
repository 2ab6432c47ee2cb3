"""Samples in the order of time, whatever the pieces in which they arrived.

Evidence may depend on the history alone. So samples are taken instant by instant up to the
watermark, those above it wait, and a sample that is not newer than the pod's last one is ignored.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from davylamp.gates.samples import (
    Arm,
    PodIncrement,
    PodKey,
    Sample,
    Scraped,
    Scrapes,
    increment,
    usable,
)
from davylamp.gates.trial import Trial


def split(
    pending: Iterable[Scraped], scrapes: Scrapes, known_until: float
) -> tuple[list[Scraped], tuple[Scraped, ...]]:
    """Part what is new into samples that may be counted now, in order, and those that wait."""
    known = {(scraped.sample.time, scraped.key): scraped for scraped in pending}
    for scraped in _flat(scrapes):
        if scraped.sample.time > known_until:
            known.setdefault((scraped.sample.time, scraped.key), scraped)
    ordered = [known[moment] for moment in sorted(known)]
    due = [scraped for scraped in ordered if scraped.sample.time <= scrapes.until]
    return due, tuple(ordered[len(due) :])


def instants(due: Iterable[Scraped]) -> Iterator[tuple[float, list[Scraped]]]:
    """Group ordered samples by the moment of their scrape."""
    for moment, group in itertools.groupby(due, key=lambda scraped: scraped.sample.time):
        yield moment, list(group)


def increments(
    trial: Trial, last: Mapping[PodKey, Sample], group: Iterable[Scraped]
) -> list[PodIncrement]:
    """Turn the samples of one instant into counts against each pod's last sample."""
    counted = (_increment(trial, last.get(scraped.key), scraped) for scraped in group)
    return [increment for increment in counted if increment is not None]


def warm(
    trial: Trial, first: Mapping[PodKey, float], increments: list[PodIncrement]
) -> list[PodIncrement]:
    """The increments of pods that are past their warm-up."""
    ready = trial.rule.pod_warm_up
    if not ready:
        return increments
    return [
        increment for increment in increments if increment.since >= first[increment.key] + ready
    ]


def _increment(trial: Trial, previous: Sample | None, now: Scraped) -> PodIncrement | None:
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
    return PodIncrement(now.key, since, increment(previous, now.sample))


def _flat(scrapes: Scrapes) -> Iterator[Scraped]:
    for arm, pods in ((Arm.STABLE, scrapes.stable), (Arm.CANDIDATE, scrapes.candidate)):
        for pod, samples in pods.items():
            key = PodKey(arm.value, pod)
            yield from (Scraped(key, sample) for sample in samples if usable(sample))
