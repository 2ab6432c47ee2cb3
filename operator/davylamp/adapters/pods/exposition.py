"""Answers a range selector from the metrics text of one pod, as Prometheus would after scraping it.

What Prometheus does on the way to an answer is done here the same way: the matchers of the query
choose the series, regular expressions match as a whole, a label that is not there is empty, and a
label of the pod's that the scrape would add is renamed to `exported_…`, so that no pod can speak for
another. Labels that only a scrape knows (`job`, `instance`) are not there: a selector that asks for
them finds nothing.

Text that Prometheus would store in part, or under another time, is refused as a whole: evidence has
no use for it. Lines of other metrics are never parsed, and what is parsed is bounded, as the parser
takes time that grows with the square of a line.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from davylamp.schema.json import Json

LONGEST_LINE: Final = 2048
"""Bytes of one line that is parsed."""
MOST_WANTED: Final = 128 * 1024
"""Bytes of a pod's wanted lines together; the sample model has 8 KiB."""

_NAME: Final = "__name__"
_SELECTOR: Final = re.compile(
    r"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*\{(?P<matchers>.*)\}\s*\[[^\]]*\]\s*", re.DOTALL
)
_MATCHER: Final = re.compile(
    r'\s*(?P<label>[a-zA-Z_][a-zA-Z0-9_]*)\s*(?P<operator>=~|!~|!=|=)\s*"(?P<text>(?:[^"\\\n]|\\.)*)"'
    r"\s*(?:,|$)"
)
_ESCAPED: Final = re.compile(r"\\(.)")
_PLAIN: Final = {"\\": "\\", '"': '"', "n": "\n", "t": "\t", "r": "\r"}
_ADDED: Final = ("job", "instance", "prometheus", "prometheus_replica")
"""Labels by which a scrape's target is known, besides the pod's."""

Labels: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a pod's text: labels with the name among them, and the value as text."""

    labels: Labels
    value: str

    def at(self, time: float) -> dict[str, Json]:
        """The series in a matrix of Prometheus' HTTP API, with its one sample at `time`."""
        return {"metric": dict(self.labels), "values": [[time, self.value]]}


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label."""

    label: str
    holds_for: Callable[[str], object]
    negated: bool

    def holds(self, labels: Labels) -> bool:
        """Tell whether a series fulfils it."""
        return bool(self.holds_for(labels.get(self.label, ""))) is not self.negated


@dataclass(frozen=True, slots=True)
class Selector:
    """Which series a query means."""

    matchers: tuple[Matcher, ...]

    @classmethod
    def of(cls, promql: str) -> Self:
        """The selector of a query that is a range selector and nothing else.

        Raises:
            ValueError: it is something else.
        """
        found = _SELECTOR.fullmatch(promql)
        if not found:
            raise ValueError(f"{promql!r} is no range selector")
        name = found["name"]
        named = (Matcher(_NAME, name.__eq__, negated=False),) if name else ()
        return cls((*named, *_matchers(found["matchers"])))

    def means(self, series: Series) -> bool:
        """Tell whether a series is meant."""
        return all(each.holds(series.labels) for each in self.matchers)


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
            ValueError: more is wanted than may be parsed.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(self.names):
                self._keep(line)
        if len(self._rest) > LONGEST_LINE:
            self._cut()

    def end(self) -> list[bytes]:
        """The lines.

        Raises:
            ValueError: the text ends within a line, whose last number may be cut.
        """
        if self._rest.strip():
            raise ValueError("the text ends within a line")
        return self.kept

    def _cut(self) -> None:
        """Keep no more of an endless line than tells that it is not wanted."""
        if self._rest.startswith(self.names):
            raise ValueError("more metrics than can be read in time")
        self._rest = self._rest[:LONGEST_LINE]

    def _keep(self, line: bytes) -> None:
        self._size += len(line)
        if len(line) > LONGEST_LINE or self._size > MOST_WANTED:
            raise ValueError("more metrics than can be read in time")
        self.kept.append(line)


def read_lines(lines: Iterable[bytes], target: Labels) -> list[Series]:
    """The series of lines of the text format.

    Args:
        lines: samples, without comments; the type of a metric changes nothing about its counters.
        target: labels that the scrape adds.

    Raises:
        ValueError: a line is no sample, tells a time of its own, or repeats a series.
    """
    taken = {*target, *_ADDED}
    found: dict[frozenset[tuple[str, str]], Series] = {}
    for name, labels, value in _samples(lines):
        own = {f"exported_{key}" if key in taken else key: text for key, text in labels.items()}
        series = Series({**own, **target, _NAME: name}, str(value))
        if found.setdefault(frozenset(series.labels.items()), series) is not series:
            raise ValueError(f"a series of {name} is there twice")
    return list(found.values())


def _samples(lines: Iterable[bytes]) -> Iterable[tuple[str, dict[str, str], float]]:
    try:
        text = b"\n".join(lines).decode()
        families = list(text_string_to_metric_families(text))
    except (ValueError, IndexError) as error:  # the parser raises either
        raise ValueError("a line is no sample") from error
    for sample in (each for family in families for each in family.samples):
        if sample.timestamp is not None:
            raise ValueError(f"{sample.name} tells a time of its own")
        yield sample.name, sample.labels, sample.value


def _matchers(text: str) -> Iterable[Matcher]:
    position = 0
    while text[position:].strip():
        found = _MATCHER.match(text, position)
        if not found:
            raise ValueError(f"{text[position:]!r} is no list of matchers")
        value = _ESCAPED.sub(_unescaped, found["text"])
        holds = _pattern(value) if found["operator"].endswith("~") else value.__eq__
        yield Matcher(found["label"], holds, negated=found["operator"].startswith("!"))
        position = found.end()


def _pattern(text: str) -> Callable[[str], object]:
    try:
        return re.compile(text, re.DOTALL).fullmatch
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error


def _unescaped(found: re.Match[str]) -> str:
    if found[1] not in _PLAIN:
        raise ValueError(f"{found[0]!r} is an escape that is not known here")
    return _PLAIN[found[1]]
