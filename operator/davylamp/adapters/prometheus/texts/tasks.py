"""What is read of the texts that Prometheus answers, as tasks for `adapters.reading`.

What they are told goes to another process, where a channel is known by its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from davylamp.adapters.pod_names import DeploymentRef, PodRef
from davylamp.adapters.prometheus import suggestions
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.query_result import result_of
from davylamp.adapters.prometheus.scrapes import read_scrapes
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.suggestions import OtherSeries
from davylamp.adapters.prometheus.user_query import read_values
from davylamp.gates.kinds.registry import CHANNELS
from davylamp.gates.samples import Sample

FEW_NAMES: Final = 4 * 1024
"""Bytes of names up to which comparing them takes some milliseconds at most."""


@dataclass(frozen=True, slots=True)
class AskedCounters:
    """A query for counters without what cannot be sent to another process."""

    workloads: frozenset[DeploymentRef]
    at: float
    window: float
    channel: str
    names: Mapping[str, str]

    @classmethod
    def of(cls, query: CounterQuery) -> Self:
        """What was asked."""
        return cls(query.workloads, query.at, query.window, query.channel.name, dict(query.series))

    @property
    def query(self) -> CounterQuery:
        """The query as it was."""
        return CounterQuery(
            workloads=self.workloads,
            at=self.at,
            window=self.window,
            channel=next(channel for channel in CHANNELS if channel.name == self.channel),
            series=SeriesNames(**self.names),
        )


def scrapes_in(text: bytes, asked: AskedCounters) -> dict[PodRef, tuple[Sample, ...]]:
    """Samples of each pod, as `read_scrapes` has them."""
    return read_scrapes(asked.query, result_of(text))


def values_in(text: bytes) -> dict[float, float]:
    """Values of a user query by time."""
    return read_values(result_of(text))


def names_in(text: bytes, asked: AskedCounters) -> OtherSeries:
    """Names of metrics that look like the wanted ones, and how many there are."""
    return suggestions.read_names(asked.query, result_of(text))


def presence_in(text: bytes) -> bool:
    """Whether a wanted metric is there."""
    return suggestions.read_presence(result_of(text))
