"""Series from the metrics text of one pod, as Prometheus would have them after scraping it.

A label of the pod's that the scrape would add is renamed to `exported_…`, so that no pod can speak
for another. Labels that only a scrape knows (`job`, `instance`) are not there: a selector that asks
for them finds nothing.

Text that Prometheus would store in part, or under another time, is refused as a whole: evidence has
no use for it. Lines of other metrics are never parsed, and what is parsed is bounded, as the
library's parser takes time that grows with the square of a line. It reads only what is unusual:
lines as clients write them are read by one regular expression, ten times as fast.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from davylamp.adapters.prometheus.matchers import METRIC_NAME
from davylamp.adapters.prometheus.query_result import CounterSeries
from davylamp.adapters.prometheus.targets import TARGET_LABELS
from davylamp.adapters.reading.limits import UnreadableError
from davylamp.schema.json import Labels

LONGEST_LINE: Final = 2048
"""Bytes of one line that is parsed."""
MOST_WANTED: Final = 128 * 1024
"""Bytes of a pod's wanted lines together; the sample model has 8 KiB."""

_LABEL: Final = r'(?!__)[a-zA-Z_][a-zA-Z0-9_]*="[^"\\\n]*"'
_USUAL_LINE: Final = re.compile(
    rf"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{(?P<labels>{_LABEL}(?:,{_LABEL})*,?)?\}})? "
    r"(?P<value>-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)"
)
_USUAL_LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)"')


_Sample: TypeAlias = tuple[str, Mapping[str, str], float]
"""Name, labels and value."""


@dataclass(slots=True)
class WantedLines:
    """Keeps, of a text that arrives in pieces, the lines that begin with names of metrics."""

    names: tuple[bytes, ...]
    kept: list[bytes] = field(default_factory=list)
    _rest: bytes = b""
    _size: int = 0

    def add(self, piece: bytes) -> None:
        """Take in the next piece.

        Raises:
            UnreadableError: more is wanted than may be parsed.
        """
        lines, _, self._rest = (b"\n" + self._rest + piece).rpartition(b"\n")
        for found in _wanted(self.names).finditer(lines):
            self._keep(found[0][1:])
        if len(self._rest) > LONGEST_LINE:
            self._cut()

    def end(self) -> list[bytes]:
        """The lines.

        Raises:
            UnreadableError: the text ends within a line, whose last number may be cut.
        """
        if self._rest.strip():
            raise UnreadableError("the text ends within a line")
        return self.kept

    def _cut(self) -> None:
        """Keep no more of an endless line than shows that it is not wanted."""
        if self._rest.startswith(self.names):
            raise UnreadableError("more metrics than can be read in time")
        self._rest = self._rest[:LONGEST_LINE]

    def _keep(self, line: bytes) -> None:
        self._size += len(line)
        if len(line) > LONGEST_LINE or self._size > MOST_WANTED:
            raise UnreadableError("more metrics than can be read in time")
        self.kept.append(line)


@functools.cache
def _wanted(names: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """Lines that begin with a name, each with the end of the line before it.

    What they have in common is searched for, so that lines of others cost next to nothing.
    """
    beginnings = b"|".join(re.escape(name) for name in sorted(names))
    return re.compile(rb"\n(?:%b)[^\n]*" % beginnings if names else rb"(?!)")


def read_lines(lines: Iterable[bytes], target: Labels, *, at: float) -> list[CounterSeries]:
    """The series of lines of the text format, each with its one sample.

    Args:
        lines: samples, without comments; the type of a metric changes nothing about its counters.
        target: labels that the scrape adds.
        at: time of the samples, epoch seconds.

    Raises:
        UnreadableError: a line is no sample, has a time of its own, or repeats a series.
    """
    taken = {*target, *TARGET_LABELS}
    series, known = list[CounterSeries](), set[frozenset[tuple[str, str]]]()
    for name, labels, value in _samples(lines):
        own = {f"exported_{key}" if key in taken else key: text for key, text in labels.items()}
        all_labels = {**own, **target, METRIC_NAME: name}
        identity = frozenset(all_labels.items())
        if identity in known:
            raise UnreadableError("a series is there twice")
        known.add(identity)
        series.append(CounterSeries(all_labels, {at: value}))
    return series


def _samples(lines: Iterable[bytes]) -> Iterator[_Sample]:
    try:
        text = b"\n".join(lines).decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("a line is no sample") from error
    unusual = list[str]()
    for line in text.split("\n"):
        sample = _usual(line)
        if sample is None:
            unusual.append(line)
        else:
            yield sample
    yield from _by_library("\n".join(unusual))


def _usual(line: str) -> _Sample | None:
    """The sample of a line without escapes, time, and blanks in odd places; None of another."""
    parts = _USUAL_LINE.fullmatch(line)
    if parts is None:
        return None
    pairs = _USUAL_LABEL.findall(parts["labels"] or "")
    labels = dict(pairs)
    return (parts["name"], labels, float(parts["value"])) if len(labels) == len(pairs) else None


def _by_library(text: str) -> Iterator[_Sample]:
    try:
        families = list(text_string_to_metric_families(text))
    except (ValueError, IndexError) as error:  # the parser raises either
        raise UnreadableError("a line is no sample") from error
    for sample in (sample for family in families for sample in family.samples):
        if sample.timestamp is not None:
            raise UnreadableError("a sample has a time of its own")
        yield sample.name, sample.labels, float(str(sample.value))  # an integer may be too large
