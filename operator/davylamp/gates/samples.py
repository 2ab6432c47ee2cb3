"""Raw counter samples of pods, and what one sample adds to the sample before it."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from davylamp.gates.verdicts import Count


class Arm(enum.Enum):
    """The side of the comparison a pod belongs to."""

    STABLE = "stable"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class Sample:
    """One scrape of one pod: epoch seconds of the scrape and the pod's cumulative counters."""

    time: float
    requests: float
    errors: float


@dataclass(frozen=True)
class Scrapes:
    """What was scraped since the last call, by pod name.

    `until` (epoch seconds) is the watermark: every sample up to it has been seen. Samples above it
    are kept until a later watermark covers them, samples at or below an earlier watermark are
    ignored, so overlapping answers of the source do no harm.
    """

    until: float
    stable: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    candidate: Mapping[str, Sequence[Sample]] = field(default_factory=dict)


def usable(sample: Sample) -> bool:
    """Tell whether a sample can be counted: all numbers finite, no negative counter.

    An unusable sample is treated as a missed scrape; the next good one carries the sum.
    """
    return (
        math.isfinite(sample.time)
        and math.isfinite(sample.requests)
        and math.isfinite(sample.errors)
        and sample.requests >= 0
        and sample.errors >= 0
    )


def increment(previous: Sample | None, sample: Sample) -> Count:
    """Count what happened between two samples of one pod; `None` stands for counters at zero.

    Either counter falling means that the process restarted, so both began again at zero. The two
    counters are not read atomically: errors beyond the requests are clipped.
    """
    if previous is None or _restarted(previous, sample):
        requests, errors = sample.requests, sample.errors
    else:
        requests = sample.requests - previous.requests
        errors = sample.errors - previous.errors
    whole = round(requests)
    return Count(whole, min(round(errors), whole))


def _restarted(previous: Sample, sample: Sample) -> bool:
    return sample.requests < previous.requests or sample.errors < previous.errors
