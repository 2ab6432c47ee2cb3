"""What was measured of a past canary or probation, whatever source it came from."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Final

from davylamp.api.status_parts import FeatureShare, GateRate
from davylamp.gates import (
    ERRORS,
    Channel,
    QueryAnswers,
    Sample,
    Scrapes,
    ShareChange,
    UserQuery,
)

USUAL_INTERVAL: Final = 5.0
"""Seconds between two scrapes if no pod has two samples."""

Pods = Mapping[str, Sequence[Sample]]
"""Samples in order of time, by pod."""


@dataclass(frozen=True)
class Measurements:
    """What was measured of both revisions: counters by channel, values of user queries by gate.

    `asked` are the queries that gave the values. Times are seconds on the clock of the samples.
    `scrape_interval` is 0 and `weights` is empty if they are not known. `rates` are those of the
    revision before, and set for a probation only. `lacks` names what the record did not keep.
    """

    channels: Mapping[Channel, Scrapes]
    answers: Mapping[str, QueryAnswers] = field(default_factory=dict)
    asked: Mapping[str, UserQuery] = field(default_factory=dict)
    weights: tuple[ShareChange, ...] = ()
    scrape_interval: float = 0.0
    baseline: tuple[FeatureShare, ...] = ()
    rates: tuple[GateRate, ...] | None = None
    lacks: tuple[str, ...] = ()


def error_channel(candidate: Pods, stable: Pods) -> Mapping[Channel, Scrapes]:
    """Counters of requests and errors, as the channel that gates on error rates read."""
    until = max(samples[-1].time for samples in chain(candidate.values(), stable.values()))
    return {ERRORS: Scrapes(until, stable, candidate)}


def scrape_interval(pods: Iterable[Sequence[Sample]]) -> float:
    """Median gap between two samples of a pod, in seconds."""
    gaps = [b.time - a.time for samples in pods for a, b in pairwise(samples)]
    return statistics.median(gaps) if gaps else USUAL_INTERVAL


def pods_of(channels: Iterable[Scrapes]) -> list[Sequence[Sample]]:
    """The samples of every pod of either revision, pod by pod."""
    pods = (chain(scrapes.candidate.values(), scrapes.stable.values()) for scrapes in channels)
    return [samples for of_channel in pods for samples in of_channel if samples]
