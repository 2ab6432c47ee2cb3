"""Which series pods have instead of the wanted ones, for a user whose gate has no data.

Two small queries: names of metrics that look like the wanted ones, and the labels of the wanted
ones when nothing is selected. Pods expose whatever their authors like, and it ends up in a status:
so it is shortened, and what does not print is replaced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from davylamp.adapters.prometheus.matchers import METRIC_NAME, Matcher
from davylamp.adapters.prometheus.promql import CounterQuery, braces, selector_text
from davylamp.adapters.prometheus.query_result import all_series, labels_of
from davylamp.schema.text import printable, shortened

METRICS_LIMIT: Final = 10
LABELS_LIMIT: Final = 3
_TEXT_LIMIT: Final = 40
_NAME_LIMIT: Final = 80
_LABELS_OF_A_SET: Final = 12
_LIKELY: Final = "request|response|duration|latency|second|predict|score|explanation|group"
_UNTELLING: Final = ("le", "quantile", "instance")


@dataclass(frozen=True, slots=True)
class OtherSeries:
    """What the pods in play have instead of the wanted series.

    Attributes:
        metrics: names that look like the wanted ones, the most similar first.
        labels: sets of labels of the wanted metric, whatever the selector says; without those
            that tell pods and buckets apart.
    """

    metrics: tuple[str, ...] = ()
    labels: tuple[Mapping[str, str], ...] = ()

    @property
    def labels_text(self) -> str:
        """The sets of labels as in PromQL."""
        return " ".join(
            braces(Matcher(name, "=", text) for name, text in labels.items())
            for labels in self.labels
        )


def names_text(query: CounterQuery) -> str:
    """PromQL for the names of the metrics that could be meant."""
    prefixes = {name.partition("_")[0] for name in query.metrics}
    similar = f"(?:{'|'.join(sorted(prefixes))})(?:_.*)?|.*(?:{_LIKELY}).*"
    matchers = (Matcher(METRIC_NAME, "=~", similar), *query.pod_matchers)
    return f"count by ({METRIC_NAME}) ({braces(matchers)})"


def labels_text(query: CounterQuery) -> str:
    """PromQL for sets of labels of the wanted metric, of the pods in play, without the selector."""
    dropped = (*_UNTELLING, query.series.namespace_label, query.series.pod_label)
    selector = selector_text(query.metrics, query.pod_matchers)
    return f"topk({LABELS_LIMIT}, count without ({', '.join(dropped)}) ({selector}))"


def read_names(query: CounterQuery, result: object) -> tuple[str, ...]:
    """Names of metrics, those most similar to the wanted ones first."""
    names = {_shown(_name(item), _NAME_LIMIT) for item in all_series(result)} - {""}
    ranked = sorted(names, key=lambda name: (-_likeness(name, query.metrics), name))
    return tuple(ranked[:METRICS_LIMIT])


def read_labels(result: object) -> tuple[Mapping[str, str], ...]:
    """Sets of labels in order, without repetitions."""
    sets = {tuple(sorted(_shown_labels(labels_of(item)))) for item in all_series(result)}
    return tuple(dict(labels) for labels in sorted(sets)[:LABELS_LIMIT])


def _name(item: object) -> str:
    return labels_of(item).get(METRIC_NAME, "")


def _likeness(name: str, wanted: Iterable[str]) -> float:
    return max(SequenceMatcher(None, metric, name).ratio() for metric in wanted)


def _shown_labels(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    named = sorted((name, text) for name, text in labels.items() if name != METRIC_NAME)
    return [
        (_shown(name, _TEXT_LIMIT), _shown(text, _TEXT_LIMIT))
        for name, text in named[:_LABELS_OF_A_SET]
    ]


def _shown(text: str, limit: int) -> str:
    return shortened(printable(text[: limit + 1], instead="?"), limit=limit)
