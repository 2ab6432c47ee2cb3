"""The samples in the wanted lines of one pod, as a task for `adapters.reading`.

The operator's selectors choose series here as they do in Prometheus: the same matchers, evaluated on
the labels of the pod's lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from davylamp.adapters.errors import SourceError
from davylamp.adapters.pod_names import DeploymentRef, deployment_of
from davylamp.adapters.pods.exposition import read_lines
from davylamp.adapters.prometheus.matchers import METRIC_NAME, Condition
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.query_result import CounterSeries
from davylamp.adapters.prometheus.scrapes import samples_of
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.reading.limits import UnreadableError
from davylamp.gates.channels import Channel
from davylamp.gates.kinds.registry import CHANNELS
from davylamp.gates.samples import Sample

FEW_LINES: Final = 16 * 1024
"""Bytes of lines that are read within ten milliseconds, however they are written; a model's usual ones
take a tenth of that."""
_KNOWN: Final = 256
"""Selections that are remembered: one for each Deployment whose pods are read."""


@dataclass(frozen=True, slots=True)
class AskedPod:
    """What is read of a pod's lines, in a form that can be sent to another process.

    Attributes:
        namespace: of the pod.
        name: of the pod.
        at: time of its samples, epoch seconds.
        channels: their names.
        names: how series are called.
    """

    namespace: str
    name: str
    at: float
    channels: tuple[str, ...]
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The series of one channel: those of these metrics whose labels fulfil all conditions."""

    channel: Channel
    metrics: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, query: CounterQuery) -> Self:
        """The series that a query means; `ValueError` where that cannot be evaluated here."""
        conditions = (matcher.condition() for matcher in query.matchers)
        return cls(query.channel, query.metrics, tuple(conditions))

    def among(self, by_metric: Mapping[str, Sequence[CounterSeries]]) -> Iterator[CounterSeries]:
        """The series that are meant."""
        for metric in self.metrics:
            for series in by_metric.get(metric, ()):
                if all(holds(series.labels) for holds in self.conditions):
                    yield series


@lru_cache(maxsize=_KNOWN)
def selections(
    workload: DeploymentRef | None, channels: tuple[str, ...], names: tuple[tuple[str, str], ...]
) -> tuple[Selection, ...]:
    """What Prometheus would be asked about the pods of a Deployment, by channel.

    Raises:
        ValueError: a selector that cannot be put to a pod.
    """
    series = SeriesNames(**dict(names))
    queries = (
        CounterQuery(
            workloads=frozenset({workload} if workload else ()),
            at=0.0,
            window=1.0,
            channel=channel,
            series=series,
        )
        for channel in CHANNELS
        if channel.name in channels
    )
    return tuple(Selection.of(query) for query in queries)


def samples_in(text: bytes, asked: AskedPod) -> dict[str, tuple[Sample, ...]]:
    """A pod's sample by the name of its channel; a channel without a usable one is not in it.

    Args:
        text: lines of the text format, without comments.
        asked: what is read of them.

    Raises:
        UnreadableError: a line is no sample, or none that can be counted.
    """
    names = SeriesNames(**dict(asked.names))
    target = {names.namespace_label: asked.namespace, names.pod_label: asked.name}
    by_metric = dict[str, list[CounterSeries]]()
    lines = text.split(b"\n") if text else []
    for series in read_lines(lines, target, at=asked.at):
        by_metric.setdefault(series.labels[METRIC_NAME], []).append(series)
    workload = asked.namespace, deployment_of(asked.name)
    chosen = selections(workload, asked.channels, asked.names)
    try:
        samples = {
            selection.channel.name: samples_of(
                selection.channel, selection.among(by_metric), names=names
            )
            for selection in chosen
        }
    except SourceError:
        raise UnreadableError("its series are none that can be counted") from None
    return {channel: sample for channel, sample in samples.items() if sample}
