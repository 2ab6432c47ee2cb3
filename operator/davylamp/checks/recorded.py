"""What the training run recorded so that the server can be checked: golden requests, answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.checks.reading import (
    MalformedError,
    mapping,
    named_numbers,
    number,
    numbers,
    required,
    sequence,
)
from davylamp.checks.replies import Answered, Reply
from davylamp.schema.json import Json, JsonObject, field
from davylamp.schema.pseudonyms import pseudonym

DEFAULT_TOLERANCE: Final = 1e-6
MOST_TOLERANCE: Final = 1e-3
MOST_GOLDEN: Final = 100
"""Golden requests that are sent; further ones are ignored."""


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
    """A request with the answer of the training run; `explanations` is None if not recorded."""

    request: JsonObject
    predictions: tuple[float, ...]
    explanations: tuple[Explanation, ...] | None


@dataclass(frozen=True, slots=True)
class GoldenRequest:
    """A golden request as it is kept while its pod is asked: as text, which takes the least memory."""

    number: int
    body: bytes
    """What is sent."""
    recorded: bytes
    """What `golden_in` reads."""

    @classmethod
    def of(cls, number: int, golden: Golden) -> "GoldenRequest":
        """A golden request of a manifest."""
        recorded: JsonObject = {"request": {}, "predictions": list(golden.predictions)}
        if golden.explanations is not None:
            recorded["explanations"] = [
                {
                    "prediction": explanation.prediction,
                    "baseline": explanation.baseline,
                    "contributions": dict(explanation.contributions),
                }
                for explanation in golden.explanations
            ]
        return cls(number, _text(golden.request), _text(recorded))


def golden_in(recorded: bytes) -> Golden:
    """The golden request that a `GoldenRequest` keeps, without what is sent."""
    return _golden(json.loads(recorded), "golden")


def _text(document: JsonObject) -> bytes:
    return json.dumps(document).encode()


def tolerance_of(document: JsonObject) -> float:
    """The relative difference that is tolerated."""
    if "tolerance" not in document:
        return DEFAULT_TOLERANCE
    tolerance = number(document["tolerance"], "tolerance")
    if not 0 <= tolerance <= MOST_TOLERANCE:
        bounds = f"between 0 and {MOST_TOLERANCE:g}"
        raise MalformedError(f"tolerance is {tolerance:g}, it must lie {bounds}")
    return tolerance


def golden_of(document: JsonObject) -> tuple[Golden, ...]:
    """The golden requests that are sent; raises `MalformedError`."""
    entries = sequence(required(document, "golden", path=""), "golden")
    return tuple(
        _golden(entry, f"golden[{number}]") for number, entry in enumerate(entries[:MOST_GOLDEN])
    )


def _golden(entry: Json, path: str) -> Golden:
    fields = mapping(entry, path)
    explained = fields.get("explanations")
    return Golden(
        request=mapping(required(fields, "request", path=path), f"{path}.request"),
        predictions=numbers(required(fields, "predictions", path=path), f"{path}.predictions"),
        explanations=(
            None if explained is None else explanations_of(explained, f"{path}.explanations")
        ),
    )


def explanations_of(value: Json, path: str) -> tuple[Explanation, ...]:
    """A list of explanations; raises `MalformedError`."""
    return tuple(
        _explanation(item, f"{path}[{number}]") for number, item in enumerate(sequence(value, path))
    )


def _explanation(value: Json, path: str) -> Explanation:
    fields = mapping(value, path)
    return Explanation(
        prediction=number(required(fields, "prediction", path=path), f"{path}.prediction"),
        baseline=number(required(fields, "baseline", path=path), f"{path}.baseline"),
        contributions=named_numbers(
            required(fields, "contributions", path=path), f"{path}.contributions"
        ),
    )


def shares_of(manifest: Reply) -> Mapping[str, float]:
    """How much each feature mattered in training, by pseudonym, for the gate on explanations.

    Empty if unknown.

    No check needs it, so a manifest without it is not at fault; a malformed one counts as without.
    """
    document = manifest.document if isinstance(manifest, Answered) else None
    shares = field(document, "explanationBaseline", "shares")
    try:
        by_feature = named_numbers(shares, "explanationBaseline.shares")
    except MalformedError:
        return {}
    by_pseudonym: dict[str, float] = {}
    for name, share in by_feature.items():
        if 0 <= share <= 1:
            by_pseudonym[pseudonym(name)] = by_pseudonym.get(pseudonym(name), 0.0) + share
    return by_pseudonym
