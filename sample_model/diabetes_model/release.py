"""One typed file per release: the snapshot it is trained on, the seed and the hyperparameters."""

import enum
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from diabetes_model import contract
from diabetes_model.snapshots import Loss, Recipe

MAX_SEED = 2**53 - 1


class ReleaseError(ValueError):
    """The release file says something that it may not; the message names the key."""


class Impute(enum.Enum):
    """What the pipeline does with a missing value; NONE means it has no such step."""

    MEDIAN = "median"
    MEAN = "mean"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """The choices of one training run."""

    impute: Impute = Impute.MEDIAN
    alpha: float = 1.0


class GroupMetric(enum.Enum):
    """What is compared between groups: mean size and mean sign of the error, share selected."""

    MEAN_ABSOLUTE_ERROR = "meanAbsoluteError"
    MEAN_ERROR = "meanError"
    SELECTION_RATE = "selectionRate"


def _default_bounds() -> dict[GroupMetric, float]:
    return {
        GroupMetric.MEAN_ABSOLUTE_ERROR: 12.0,
        GroupMetric.MEAN_ERROR: 30.0,
        GroupMetric.SELECTION_RATE: 0.25,
    }


@dataclass(frozen=True, slots=True)
class BiasBounds:
    """How different the model may be to two groups.

    ``by`` is the field whose values are the groups, ``largest`` the gap that each metric may have,
    ``threshold`` the prediction above which a patient is selected (progression score).
    """

    by: str = "sex"
    threshold: float = 200.0
    largest: Mapping[GroupMetric, float] = field(default_factory=_default_bounds)


@dataclass(frozen=True, slots=True)
class Release:
    """What a commit of this model says about its training."""

    recipe: Recipe
    sha256: str | None
    seed: int
    hyperparameters: Hyperparameters
    bias: BiasBounds


def read(path: Path) -> Release:
    """Reads a release file.

    Raises:
        ReleaseError: on an unknown or missing key, or a value of the wrong type.
    """
    try:
        document = tomllib.loads(path.read_text())
        return _release(document)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ReleaseError(f"{path.name}: {_reason(error)}") from error


def checked_seed(seed: object) -> int:
    """A seed that every reader of JSON can hold exactly."""
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MAX_SEED:
        raise ReleaseError(f"seed must be an integer in 0..{MAX_SEED}, is {seed!r}")
    return seed


def _release(document: Mapping[str, object]) -> Release:
    _only(document, "", {"seed", "snapshot", "pipeline", "bias"})
    snapshot, pipeline = _table(document, "snapshot"), _table(document, "pipeline")
    _only(pipeline, "pipeline.", {"impute", "alpha"})
    sha256 = snapshot.get("sha256")
    return Release(
        recipe=_recipe(snapshot),
        sha256=None if sha256 is None else str(sha256),
        seed=checked_seed(document["seed"]),
        hyperparameters=Hyperparameters(
            impute=Impute(pipeline["impute"]), alpha=_number(pipeline["alpha"])
        ),
        bias=_bias(_table(document, "bias")),
    )


def _recipe(snapshot: Mapping[str, object]) -> Recipe:
    _only(snapshot, "snapshot.", {"id", "seed", "sha256", "gaps", "lost"})
    return Recipe(
        id=str(snapshot["id"]),
        seed=checked_seed(snapshot["seed"]),
        gaps=_numbers(snapshot, "gaps"),
        lost=tuple(_losses(snapshot)) if "lost" in snapshot else (),
    )


def _losses(snapshot: Mapping[str, object]) -> Iterator[Loss]:
    lost = _table(snapshot, "lost")
    for name in lost:
        loss = _table(lost, name)
        _only(loss, f"snapshot.lost.{name}.", {"value", "share"})
        yield Loss(field=name, value=_number(loss["value"]), share=_number(loss["share"]))


def _bias(table: Mapping[str, object]) -> BiasBounds:
    _only(table, "bias.", {"by", "threshold", "max"})
    by = str(table["by"])
    if by not in contract.CODES:
        raise ReleaseError(f"bias.by must be one of {', '.join(contract.CODES)}, is {by}")
    largest = {GroupMetric(name): most for name, most in _numbers(table, "max").items()}
    return BiasBounds(by=by, threshold=_number(table["threshold"]), largest=largest)


def _table(document: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = document[key]
    if not isinstance(value, dict):
        raise ReleaseError(f"{key} must be a table")
    return value


def _numbers(document: Mapping[str, object], key: str) -> dict[str, float]:
    return {name: _number(value) for name, value in _table(document, key).items()}


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ReleaseError(f"{value!r} is not a number")
    return float(value)


def _only(document: Mapping[str, object], prefix: str, allowed: set[str]) -> None:
    for key in document:
        if key not in allowed:
            raise ReleaseError(f"unknown key {prefix}{key}")


def _reason(error: Exception) -> str:
    return f"missing key {error}" if isinstance(error, KeyError) else str(error)
