"""One typed file per release: the snapshot it is trained on, the seed and the hyperparameters."""

import enum
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diabetes_model.snapshots import Recipe

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


@dataclass(frozen=True, slots=True)
class Release:
    """What a commit of this model says about its training."""

    recipe: Recipe
    sha256: str | None
    seed: int
    hyperparameters: Hyperparameters


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
    _only(document, "", {"seed", "snapshot", "pipeline"})
    snapshot, pipeline = _table(document, "snapshot"), _table(document, "pipeline")
    _only(snapshot, "snapshot.", {"id", "seed", "sha256", "gaps"})
    _only(pipeline, "pipeline.", {"impute", "alpha"})
    recipe = Recipe(
        id=str(snapshot["id"]),
        seed=checked_seed(snapshot["seed"]),
        gaps={name: _number(share) for name, share in _table(snapshot, "gaps").items()},
    )
    sha256 = snapshot.get("sha256")
    return Release(
        recipe=recipe,
        sha256=None if sha256 is None else str(sha256),
        seed=checked_seed(document["seed"]),
        hyperparameters=Hyperparameters(
            impute=Impute(pipeline["impute"]), alpha=_number(pipeline["alpha"])
        ),
    )


def _table(document: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = document[key]
    if not isinstance(value, dict):
        raise ReleaseError(f"{key} must be a table")
    return value


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
