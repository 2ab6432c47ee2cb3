"""Bias: the recorded gaps between groups follow from their values and are within their bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.checks.reading import (
    MalformedError,
    at,
    mapping,
    number,
    precise,
    required,
    sequence,
    word,
)
from davylamp.checks.results import CheckReason, Finding, failed, passed
from davylamp.schema.json import Json, JsonObject
from davylamp.schema.pseudonyms import pseudonym

MOST_ROWS: Final = 10**12
ROUNDING: Final = 1e-6
"""How far a recorded gap may be from the one computed from its groups, relative to their values."""


@dataclass(frozen=True, slots=True)
class RecordedGap:
    """One metric by the groups of one feature, on one part of the data, as training recorded it."""

    title: str
    """`bias[0]: metric METRIC by feature FEATURE on part PART`, each of the three as its pseudonym."""
    values: Mapping[str, float]
    rows: Mapping[str, int]
    """By group, where it was recorded."""
    recorded: float
    bound: float

    @property
    def gap(self) -> float:
        """Largest minus smallest value."""
        return max(self.values.values()) - min(self.values.values())

    @property
    def is_recorded(self) -> bool:
        """Whether the recorded gap follows from the values of the groups."""
        scale = max(abs(value) for value in self.values.values())
        return abs(self.recorded - self.gap) <= ROUNDING * scale

    def sentence(self) -> str:
        """The two groups that are furthest apart, with their values."""
        low = min(self.values, key=lambda group: self.values[group])
        high = max(self.values, key=lambda group: self.values[group])
        groups = " and ".join(self._group(group) for group in (low, high))
        return f"{self.title} is {groups}: gap {precise(self.gap)}"

    def _group(self, group: str) -> str:
        rows = f" ({self.rows[group]} rows)" if group in self.rows else ""
        return f"{precise(self.values[group])} for group {pseudonym(group)}{rows}"


def judge_bias(document: JsonObject) -> Finding:
    """Whether every recorded gap follows from its groups, and is within its bound."""
    if not document.get("bias"):
        return failed(
            CheckReason.NOT_RECORDED,
            "bias is missing from the manifest: record group metrics in training, or leave Bias "
            "out of spec.rollout.checks",
        )
    try:
        entries = sequence(document["bias"], "bias")
        gaps = [_gap(entry, f"bias[{number}]") for number, entry in enumerate(entries)]
    except MalformedError as malformed:
        return failed(CheckReason.MANIFEST_INVALID, f"manifest: {malformed}")
    for gap in gaps:
        if not gap.is_recorded:
            message = f"{gap.sentence()}, but the manifest says {precise(gap.recorded)}"
            return failed(CheckReason.MANIFEST_INVALID, message)
    beyond = [gap for gap in gaps if not gap.gap <= gap.bound]
    if beyond:
        message = "; ".join(f"{gap.sentence()}, above {precise(gap.bound)}" for gap in beyond)
        return failed(CheckReason.GROUP_GAP_TOO_LARGE, message)
    message = "; ".join(f"{gap.sentence()}, at most {precise(gap.bound)}" for gap in gaps)
    return passed(CheckReason.GROUPS_WITHIN_BOUNDS, message)


def _gap(entry: Json, path: str) -> RecordedGap:
    fields = mapping(entry, path)
    groups = mapping(required(fields, "groups", path=path), f"{path}.groups")
    if len(groups) < 2:
        raise MalformedError(f"{path}.groups needs two groups to compare")
    values: dict[str, float] = {}
    rows: dict[str, int] = {}
    for name, group in groups.items():
        place = at(f"{path}.groups", pseudonym(name))
        measured = mapping(group, place)
        values[name] = number(required(measured, "value", path=place), f"{place}.value")
        if "rows" in measured:
            rows[name] = _count(measured["rows"], f"{place}.rows")
    return RecordedGap(
        title=_title(fields, path),
        values=values,
        rows=rows,
        recorded=number(required(fields, "gap", path=path), f"{path}.gap"),
        bound=_bound(required(fields, "max", path=path), f"{path}.max"),
    )


def _title(fields: JsonObject, path: str) -> str:
    metric = word(required(fields, "metric", path=path), f"{path}.metric")
    feature = word(required(fields, "by", path=path), f"{path}.by")
    title = f"{path}: metric {metric} by feature {feature}"
    return f"{title} on part {word(fields['part'], f'{path}.part')}" if "part" in fields else title


def _count(value: Json, path: str) -> int:
    """A number of rows, at least one: a value measured on none means nothing."""
    rows = number(value, path)
    if not 1 <= rows <= MOST_ROWS or rows != int(rows):
        raise MalformedError(f"{path} is not a number of rows")
    return int(rows)


def _bound(value: Json, path: str) -> float:
    bound = number(value, path)
    if bound < 0:
        raise MalformedError(f"{path} is below 0")
    return bound
