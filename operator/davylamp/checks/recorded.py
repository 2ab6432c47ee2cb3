"""What the training run recorded for whoever checks the server: golden requests and their answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.checks.reading import (
    BrokenError,
    mapping,
    member,
    named_numbers,
    number,
    numbers,
    plain,
    sequence,
)
from davylamp.checks.replies import Answered, Reply
from davylamp.schema.json import Json, JsonObject

DEFAULT_TOLERANCE: Final = 1e-6
MOST_TOLERANCE: Final = 1e-3
MOST_GOLDEN: Final = 100
"""Golden requests that are asked; further ones are left out."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One explained prediction: `prediction = baseline + sum(contributions)`."""

    prediction: float
    baseline: float
    contributions: Mapping[str, float]

    @property
    def total(self) -> float:
        """What it adds up to."""
        return self.baseline + sum(self.contributions.values())

    @property
    def scale(self) -> float:
        """The largest number in it, by which differences are measured."""
        return max(abs(self.prediction), abs(self.baseline), *map(abs, self.contributions.values()))


@dataclass(frozen=True, slots=True)
class Golden:
    """A request that the training run answered. `explanations` is None where none was recorded."""

    request: JsonObject
    predictions: tuple[float, ...]
    explanations: tuple[Explanation, ...] | None


def tolerance_of(document: JsonObject) -> float:
    """The relative difference that is tolerated."""
    if "tolerance" not in document:
        return DEFAULT_TOLERANCE
    found = number(document["tolerance"], "tolerance")
    if not 0 <= found <= MOST_TOLERANCE:
        raise BrokenError(f"tolerance is {found:g}, it must lie between 0 and {MOST_TOLERANCE:g}")
    return found


def golden_of(document: JsonObject) -> tuple[Golden, ...]:
    """The golden requests that are asked; raises `BrokenError`."""
    entries = sequence(member(document, "golden", path=""), "golden")
    return tuple(
        _golden(entry, f"golden[{number}]") for number, entry in enumerate(entries[:MOST_GOLDEN])
    )


def _golden(entry: Json, path: str) -> Golden:
    found = mapping(entry, path)
    explained = found.get("explanations")
    return Golden(
        request=mapping(member(found, "request", path=path), f"{path}.request"),
        predictions=numbers(member(found, "predictions", path=path), f"{path}.predictions"),
        explanations=(
            None if explained is None else explanations_of(explained, f"{path}.explanations")
        ),
    )


def explanations_of(value: Json, path: str) -> tuple[Explanation, ...]:
    """A list of explanations; raises `BrokenError`."""
    return tuple(
        _explanation(each, f"{path}[{number}]") for number, each in enumerate(sequence(value, path))
    )


def _explanation(value: Json, path: str) -> Explanation:
    found = mapping(value, path)
    return Explanation(
        prediction=number(member(found, "prediction", path=path), f"{path}.prediction"),
        baseline=number(member(found, "baseline", path=path), f"{path}.baseline"),
        contributions=named_numbers(
            member(found, "contributions", path=path), f"{path}.contributions"
        ),
    )


def shares_of(manifest: Reply) -> Mapping[str, float]:
    """How much each feature mattered in training, for the gate on explanations; {} if not said.

    Which is no fault of the image: no check needs it. What is there and broken counts as not said.
    """
    document = manifest.document if isinstance(manifest, Answered) else None
    baseline = document.get("explanationBaseline") if isinstance(document, dict) else None
    if not isinstance(baseline, dict) or "shares" not in baseline:
        return {}
    try:
        found = named_numbers(baseline["shares"], "explanationBaseline.shares")
    except BrokenError:
        return {}
    return {plain(name): share for name, share in found.items() if 0 <= share <= 1}
