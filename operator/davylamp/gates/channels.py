"""Which series a gate reads, and what they add to the sample of their pod.

A gate kind declares its channel beside its rule: names of metrics and labels with their defaults
(each of them an environment variable `DAVYLAMP_<NAME>`), and what the value of a series is added
to. Whoever reads counters, from Prometheus or from the pods themselves, asks the channel, so that
both make the same samples of the same series.
"""

from __future__ import annotations

import enum
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from typing_extensions import override

from davylamp.gates.counts import Count

Labels: TypeAlias = Mapping[str, str]
Names: TypeAlias = Mapping[str, str]
"""What each `SeriesSetting` is set to, by its name."""


class Form(enum.Enum):
    """What a setting may be; its value becomes part of queries."""

    METRIC = "metric name"
    LABEL = "label name"
    LABELS = "list of label names"
    SELECTOR = "list of matchers"
    EXPRESSION = "regular expression"
    TEXT = "text"


_PATTERNS: Final = {
    Form.METRIC: re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*"),
    Form.LABEL: re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*"),
    Form.LABELS: re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*(,[a-zA-Z_][a-zA-Z0-9_]*)*)?"),
}


@dataclass(frozen=True, slots=True)
class SeriesSetting:
    """The name of a metric or a label, or a selector; `DAVYLAMP_<NAME>` in the environment."""

    name: str
    default: str
    form: Form

    def check(self, text: str) -> None:
        """Refuse what would make another query than the one meant.

        Selectors are checked by whoever parses them.

        Raises:
            ValueError: PromQL does not allow it in its place.
        """
        if self.form is Form.EXPRESSION:
            _require_expression(text)
        elif self.form is Form.TEXT:
            if not text:
                raise ValueError("must not be empty")
        elif self.form is not Form.SELECTOR and not _PATTERNS[self.form].fullmatch(text):
            raise ValueError(f"{text!r} is no {self.form.value}")


CODE_LABEL: Final = SeriesSetting("code_label", "code", Form.LABEL)
ERROR_CODES: Final = SeriesSetting("error_codes", "5..", Form.EXPRESSION)
"""Answer codes that are errors, matched as a whole; several kinds look at them."""


def is_error(names: Names, code: str) -> bool:
    """Whether an answer code counts as an error."""
    return re.fullmatch(names[ERROR_CODES.name], code) is not None


@dataclass(frozen=True, slots=True)
class Role:
    """What the value of a series is added to: the requests, the errors, and these parts."""

    requests: bool = False
    errors: bool = False
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """Boundaries up to which a native histogram is counted: half powers of 2, both included."""

    lowest: int
    highest: int


class Channel(ABC):
    """The series of a gate kind. One instance for each, which its identity tells from others.

    A sample has requests, errors and parts; which is what, the channel says.
    """

    name: str
    """As it is called in files and logs."""
    settings: tuple[SeriesSetting, ...]
    """Names that `metrics`, `selector` and `role` look up."""
    counted: str = "request"
    """What one of `requests` is, in a sentence."""
    has_parts: bool = True
    ladder: Ladder | None = None
    """Set where a metric may be a native histogram."""

    @abstractmethod
    def metrics(self, names: Names) -> tuple[str, ...]:
        """The metrics that make up the channel."""

    @abstractmethod
    def selector(self, names: Names) -> str:
        """Further matchers for all of them, as in PromQL without the braces; may be empty."""

    @abstractmethod
    def role(self, names: Names, metric: str, labels: Labels) -> Role | None:
        """What a series is for; None when its numbers are not needed.

        Args:
            names: how metrics and labels are called.
            metric: name of the series' metric; may be empty where the channel has only one.
            labels: its labels.
        """

    @abstractmethod
    def simulated(self, traffic: Count) -> Count | None:
        """What a pod with this traffic would have counted; None where traffic does not tell it.

        Args:
            traffic: requests and errors since the start of the pod, without parts.
        """

    def stored_part(self, part: str) -> str:
        """The part that a record of any version of the operator calls so.

        Names that models give are pseudonyms (`schema.pseudonyms`); older records have the names.
        """
        return part

    @override
    def __repr__(self) -> str:
        return f"<channel {self.name}>"


class HistogramChannel(Channel):
    """A histogram, classic or native: requests, and by boundary those of at most that value."""

    def __init__(
        self,
        name: str,
        *,
        metric: SeriesSetting,
        selector: SeriesSetting,
        counted: str,
        ladder: Ladder,
    ) -> None:
        self.name = name
        self.settings = (metric, selector)
        self.counted = counted
        self.ladder = ladder
        self._metric = metric.name
        self._selector = selector.name

    @override
    def metrics(self, names: Names) -> tuple[str, ...]:
        """A native histogram is one series of the base name; a classic one has suffixes."""
        base = names[self._metric]
        return (base, f"{base}_bucket", f"{base}_count")

    @override
    def selector(self, names: Names) -> str:
        return names[self._selector]

    @override
    def role(self, names: Names, metric: str, labels: Labels) -> Role | None:
        base = names[self._metric]
        if metric == f"{base}_count":
            return Role(requests=True)
        if metric != f"{base}_bucket":
            return None
        le = _number(labels.get("le", ""))
        return Role(parts=(boundary(le),)) if le is not None else None

    @override
    def simulated(self, traffic: Count) -> Count | None:
        """Nothing: requests and errors do not say how a histogram would look."""
        return None


def boundary(le: float) -> str:
    """Name of the part that counts up to a boundary, the same however a client wrote it.

    Clients write 1 as `1` or `1.0`, and only since Prometheus 3 that is made the same there.
    """
    return repr(le) if math.isfinite(le) else "+Inf"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) or number == -math.inf else number


def _require_expression(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
