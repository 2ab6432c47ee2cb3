"""Bias: the gaps between groups that the training run measured are real and within their bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.checks.reading import (
    BrokenError,
    at,
    mapping,
    member,
    number,
    plain,
    sequence,
    told,
    word,
)
from davylamp.checks.results import CheckReason, Found, failed, passed
from davylamp.schema.json import Json, JsonObject

ROUNDING: Final = 1e-6
"""How far a recorded gap may be from the one that its groups give, relative to their values."""


@dataclass(frozen=True, slots=True)
class GroupGap:
    """One metric by the groups of one feature, on one part of the data."""

    title: str
    """For example `meanAbsoluteError by sex on holdout`."""
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
        """Whether the recorded gap is the one that the groups give."""
        scale = max(abs(value) for value in self.values.values())
        return abs(self.recorded - self.gap) <= ROUNDING * scale

    def sentence(self) -> str:
        """The two groups that are furthest apart, with their values."""
        low = min(self.values, key=lambda group: self.values[group])
        high = max(self.values, key=lambda group: self.values[group])
        groups = " and ".join(self._group(group) for group in (low, high))
        return f"{self.title} is {groups}: gap {told(self.gap)}"

    def _group(self, group: str) -> str:
        rows = f" ({self.rows[group]} rows)" if group in self.rows else ""
        return f"{told(self.values[group])} for {plain(group)}{rows}"


def judge_bias(document: JsonObject) -> Found:
    """Whether every recorded gap is what its groups give, and within its bound."""
    if not document.get("bias"):
        return failed(
            CheckReason.NOT_RECORDED,
            "bias is missing in the manifest: record group metrics in training, or leave Bias out "
            "of spec.rollout.checks",
        )
    try:
        entries = sequence(document["bias"], "bias")
        gaps = [_gap(entry, f"bias[{number}]") for number, entry in enumerate(entries)]
    except BrokenError as broken:
        return failed(CheckReason.MANIFEST_INVALID, f"manifest: {broken}")
    for each in gaps:
        if not each.is_recorded:
            message = f"{each.sentence()}, but the manifest says {told(each.recorded)}"
            return failed(CheckReason.MANIFEST_INVALID, message)
    beyond = [each for each in gaps if not each.gap <= each.bound]
    if beyond:
        message = "; ".join(f"{each.sentence()}, above {told(each.bound)}" for each in beyond)
        return failed(CheckReason.GROUP_GAP_TOO_LARGE, message)
    message = "; ".join(f"{each.sentence()}, at most {told(each.bound)}" for each in gaps)
    return passed(CheckReason.GROUPS_WITHIN_BOUNDS, message)


def _gap(entry: Json, path: str) -> GroupGap:
    found = mapping(entry, path)
    groups = mapping(member(found, "groups", path=path), f"{path}.groups")
    if len(groups) < 2:
        raise BrokenError(f"{path}.groups needs two groups to compare")
    values: dict[str, float] = {}
    rows: dict[str, int] = {}
    for name, group in groups.items():
        place = at(f"{path}.groups", name)
        said = mapping(group, place)
        values[name] = number(member(said, "value", path=place), f"{place}.value")
        if "rows" in said:
            rows[name] = _count(said["rows"], f"{place}.rows")
    return GroupGap(
        title=_title(found, path),
        values=values,
        rows=rows,
        recorded=number(member(found, "gap", path=path), f"{path}.gap"),
        bound=_bound(member(found, "max", path=path), f"{path}.max"),
    )


def _title(found: JsonObject, path: str) -> str:
    metric = word(member(found, "metric", path=path), f"{path}.metric")
    title = f"{metric} by {word(member(found, 'by', path=path), f'{path}.by')}"
    return f"{title} on {word(found['part'], f'{path}.part')}" if "part" in found else title


def _count(value: Json, path: str) -> int:
    """A number of rows; one that no row stands behind says nothing."""
    found = number(value, path)
    if found < 1 or found != int(found):
        raise BrokenError(f"{path} is no number of rows")
    return int(found)


def _bound(value: Json, path: str) -> float:
    found = number(value, path)
    if found < 0:
        raise BrokenError(f"{path} is below 0")
    return found
