"""Raw counter samples of pods, and what one sample adds to the sample before it."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from davylamp.gates.counts import Count

LARGEST_COUNTER: Final = 1e15
"""More than anything counts to in years, and thousands of pods together stay below 2^63: a status that
says more is refused by the API server, and with it the rollback that it would report."""


class Arm(enum.Enum):
    """The side of the comparison a pod belongs to."""

    STABLE = "stable"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class Sample:
    """One scrape of one pod: epoch seconds of the scrape and the pod's cumulative counters.

    `parts` are further counters by name, as `Channel` says; one that is missing is at zero.
    """

    time: float
    requests: float
    errors: float = 0.0
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Scrapes:
    """What was scraped of one channel since the last call, by pod name.

    `until` (epoch seconds) is the watermark: every sample up to it has been seen. Samples above it
    are kept until a later watermark covers them, samples at or below an earlier watermark are
    ignored, so overlapping answers of the source do no harm.
    """

    until: float
    stable: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    candidate: Mapping[str, Sequence[Sample]] = field(default_factory=dict)


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
class PodIncrement:
    """What one pod did between `since` and the instant at hand (epoch seconds)."""

    key: PodKey
    since: float
    count: Count

    @property
    def candidate(self) -> bool:
        """Tell whether the pod runs the new revision."""
        return self.key.is_candidate


def usable(sample: Sample) -> bool:
    """Tell whether a sample can be counted: no negative counter, and none that is no count of anything.

    An unusable sample is treated as a missed scrape; the next good one carries the sum.
    """
    numbers = (sample.requests, sample.errors, *sample.parts.values())
    return math.isfinite(sample.time) and all(0 <= n <= LARGEST_COUNTER for n in numbers)


def increment(previous: Sample | None, sample: Sample) -> Count:
    """Count what happened between two samples of one pod; `None` stands for counters at zero.

    A counter that falls means that the process restarted, so all began again at zero. Counters are
    not read atomically: errors beyond the requests are clipped.
    """
    if previous is None or restarted(previous, sample):
        previous = Sample(sample.time, 0.0)
    whole = round(sample.requests - previous.requests)
    errors = min(round(sample.errors - previous.errors), whole)
    before = previous.parts
    parts = {name: value - before.get(name, 0.0) for name, value in sample.parts.items()}
    return Count(whole, errors, parts)


def restarted(previous: Sample, sample: Sample) -> bool:
    """Tell whether a counter fell, so that all began again at zero."""
    return (
        sample.requests < previous.requests
        or sample.errors < previous.errors
        or any(sample.parts.get(name, 0.0) < value for name, value in previous.parts.items())
    )
