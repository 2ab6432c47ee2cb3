"""User queries, a gate's own PromQL: asked on a grid of times, and read as one series of numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.adapters.pod_names import pattern_of_pods
from davylamp.adapters.prometheus.query_result import (
    all_series,
    bad_answer,
    has_histograms,
    values_of,
)

POINTS_LIMIT: Final = 10_000
"""Prometheus refuses more than 11,000 points."""
_NOBODY: Final = "-"
"""Matches no revision and no pod; an empty pattern would match series without such a label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeQuery:
    """One query, evaluated at `start`, `start + step`, ... `end`.

    Whole multiples of the step, so that whoever asks again later gets the same values.

    Attributes:
        promql: the query, its variables replaced.
        start: first time, epoch seconds.
        end: last time, epoch seconds.
        step: seconds from one to the next.
        namespace: whose query it is; a back end that is shared out answers for that alone.

    Raises:
        ValueError: the times are not on the grid of the step, or too many.
    """

    promql: str
    start: int
    end: int
    step: int
    namespace: str = ""

    def __post_init__(self) -> None:
        """Refuse what Prometheus would refuse, or what would give other values each time."""
        if self.step < 1 or self.start % self.step or self.end % self.step:
            raise ValueError("start and end are multiples of a step of at least 1 s")
        if not 0 <= self.end - self.start < POINTS_LIMIT * self.step:
            raise ValueError(f"between 1 and {POINTS_LIMIT} points can be asked for")


def on_grid(promql: str, *, after: float, until: float, step: float) -> RangeQuery | None:
    """Ask for all points in (after, until]; None when there is none.

    Args:
        promql: the query, its variables replaced.
        after: epoch seconds of what is known already.
        until: epoch seconds up to which samples are in by now.
        step: seconds between points; parts of a second are rounded away.
    """
    whole = max(1, round(step))
    first, last = math.floor(after / whole) + 1, math.floor(until / whole)
    first = max(first, last - POINTS_LIMIT + 1)
    if first > last:
        return None
    return RangeQuery(promql=promql, start=first * whole, end=last * whole, step=whole)


def read_values(result: object) -> dict[float, float]:
    """Values by time in epoch seconds, without those that are no number.

    Args:
        result: `data.result` of the answer to a range query.

    Raises:
        SourceError: BadAnswer, when it is not one series of numbers.
    """
    series = all_series(result)
    if not series:
        return {}
    if len(series) > 1:
        raise bad_answer(
            f"the query gives {len(series)} series where one is needed: aggregate with sum or max"
        )
    if has_histograms(series[0]):
        raise bad_answer(
            "the query gives histograms where numbers are needed: "
            "use histogram_quantile or histogram_fraction"
        )
    values = values_of(series[0])
    return {time: value for time, value in values.items() if math.isfinite(value)}


@dataclass(frozen=True, slots=True)
class ArmNames:
    """One side of the comparison: its revision, and its Deployment."""

    revision: str
    deployment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryScope:
    """What a query is asked about.

    Attributes:
        namespace: of the rollout.
        model: name of the model.
        candidate: the revision that is judged.
        stable: the one it is compared with, if there is one.
        interval: seconds between evaluations.
    """

    namespace: str
    model: str
    candidate: ArmNames
    stable: ArmNames | None
    interval: float

    def variables(self, asked: ArmNames) -> Mapping[str, str]:
        """Values of all variables of `templates`, when one of both revisions is asked about."""
        stable = self.stable
        return {
            "namespace": self.namespace,
            "model": self.model,
            "revision": asked.revision,
            "pods": pattern_of_pods(asked.deployment),
            "candidateRevision": self.candidate.revision,
            "candidatePods": pattern_of_pods(self.candidate.deployment),
            "stableRevision": stable.revision if stable else _NOBODY,
            "stablePods": pattern_of_pods(stable.deployment) if stable else _NOBODY,
            "interval": f"{max(1, round(self.interval))}s",
        }
