"""Which series are there instead, for whoever is told that the wanted ones are not.

Two small queries: names of metrics that look like the wanted ones, and the labels of the wanted
ones when nothing is selected. What pods expose is anything their authors like: it is shortened
and freed of what does not print, as it ends up in a status.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from davylamp.adapters.prometheus.promql import CounterQuery, quoted
from davylamp.adapters.prometheus.query_result import all_series, labels_of

METRICS_LIMIT: Final = 10
LABELS_LIMIT: Final = 3
_TEXT_LIMIT: Final = 40
_NAME_LIMIT: Final = 80
_LABELS_OF_A_SET: Final = 12
_TELLING: Final = "request|response|duration|latency|second|predict|score|explanation|group"
_NOT_TELLING: Final = ("le", "quantile", "instance")


@dataclass(frozen=True, slots=True)
class SeenSeries:
    """What the pods in play have.

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
        sets = (
            ",".join(f"{name}={quoted(text)}" for name, text in labels.items())
            for labels in self.labels
        )
        return " ".join(f"{{{each}}}" for each in sets)


def names_text(query: CounterQuery) -> str:
    """PromQL for the names of the metrics that could be meant."""
    prefixes = {name.partition("_")[0] for name in query.series.metrics(query.channel)}
    telling = f"(?:{'|'.join(sorted(prefixes))})(?:_.*)?|.*(?:{_TELLING}).*"
    return f"count by (__name__) ({query.of_the_pods(f'__name__=~{quoted(telling)}')})"


def labels_text(query: CounterQuery) -> str:
    """PromQL for sets of labels of the wanted metric, of the pods in play, without the selector."""
    dropped = (*_NOT_TELLING, query.series.namespace_label, query.series.pod_label)
    counted = f"count without ({', '.join(dropped)}) ({query.selecting()})"
    return f"topk({LABELS_LIMIT}, {counted})"


def read_names(query: CounterQuery, result: object) -> tuple[str, ...]:
    """Names of metrics, those most similar to the wanted ones first."""
    wanted = query.series.metrics(query.channel)
    names = {_shown(_name(item), _NAME_LIMIT) for item in all_series(result)} - {""}
    ranked = sorted(names, key=lambda name: (-_likeness(name, wanted), name))
    return tuple(ranked[:METRICS_LIMIT])


def read_labels(result: object) -> tuple[Mapping[str, str], ...]:
    """Sets of labels in order, each of them once."""
    sets = {tuple(sorted(_shown_labels(labels_of(item)))) for item in all_series(result)}
    return tuple(dict(each) for each in sorted(sets)[:LABELS_LIMIT])


def _name(item: object) -> str:
    return labels_of(item).get("__name__", "")


def _likeness(name: str, wanted: Iterable[str]) -> float:
    return max(SequenceMatcher(None, each, name).ratio() for each in wanted)


def _shown_labels(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    named = sorted((name, text) for name, text in labels.items() if name != "__name__")
    return [
        (_shown(name, _TEXT_LIMIT), _shown(text, _TEXT_LIMIT))
        for name, text in named[:_LABELS_OF_A_SET]
    ]


def _shown(text: str, limit: int) -> str:
    printable = "".join(letter if letter.isprintable() else "?" for letter in text[: limit + 1])
    return printable if len(printable) <= limit else f"{printable[: limit - 1]}…"
