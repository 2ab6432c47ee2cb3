"""The snapshots of the releases: made from the teaching data set, with the flaws of real stores."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.datasets import load_diabetes

from diabetes_model import contract
from diabetes_model.contract import Kind
from diabetes_model.holdout import is_held_out
from diabetes_model.snapshots.errors import SnapshotError
from diabetes_model.snapshots.file import schema
from diabetes_model.snapshots.writing import write

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Loss:
    """The share of the rows with this value of a field that never arrived."""

    field: str
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a snapshot is made from.

    ``gaps`` is the share of patients that lack a measurement, by field: real feature stores have
    holes, the teaching data set has none. ``lost`` are rows that are missing altogether; the
    held-out panel is collected apart and stays whole. ``seed`` chooses which patients.
    """

    id: str
    seed: int
    gaps: Mapping[str, float]
    lost: tuple[Loss, ...] = ()


def create(recipe: Recipe, path: Path, *, sha256: str | None = None) -> str:
    """Writes the snapshot; returns its sha256.

    Raises:
        SnapshotError: the recipe breaks the contract, or the file is not the expected one.
    """
    unknown = set(recipe.gaps) - set(contract.OPTIONAL)
    if unknown:
        raise SnapshotError(f"gaps in fields that may not be missing: {', '.join(sorted(unknown))}")
    odd = sorted({loss.field for loss in recipe.lost} - set(contract.NAMES))
    if odd:
        raise SnapshotError(f"rows lost by fields that do not exist: {', '.join(odd)}")
    return write(_table(recipe), path, sha256=sha256)


def _table(recipe: Recipe) -> pa.Table:
    features, target = load_diabetes(return_X_y=True, scaled=False)
    rows = len(target)
    columns = [pa.array(range(rows))]
    for position, name in enumerate(contract.NAMES):
        count = round(recipe.gaps.get(name, 0.0) * rows)
        missing = hash_ranked(f"{recipe.seed}/{name}", range(rows))[:count]
        mask = np.isin(np.arange(rows), missing)
        columns.append(pa.array(features[:, position], mask=mask))
    table = pa.table([*columns, pa.array(target)], schema=schema(Kind.TRAINING, recipe.id))
    return table.filter(pa.array(~_lost(recipe, features)))


def _lost(recipe: Recipe, features: Matrix) -> npt.NDArray[np.bool_]:
    gone = np.zeros(len(features), dtype=np.bool_)
    for loss in recipe.lost:
        column = features[:, contract.NAMES.index(loss.field)]
        affected = [int(i) for i in np.flatnonzero(column == loss.value) if not is_held_out(int(i))]
        count = round(loss.share * len(affected))
        gone[hash_ranked(f"{recipe.seed}/lost/{loss.field}", affected)[:count]] = True
    return gone


def hash_ranked(salt: str, rows: Sequence[int]) -> list[int]:
    """Rows in an order that depends on the salt only: no library version can change the choice."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"{salt}/{row}".encode()).digest())
