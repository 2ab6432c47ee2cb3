"""Feature snapshots: one Parquet file whose bytes follow from its recipe, known by their sha256."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_diabetes

from diabetes_model import contract

ID_TYPE = pa.int64()
VALUE_TYPE = pa.float64()
ID_KEY = b"snapshot.id"
CONTRACT_KEY = b"snapshot.contract"


class SnapshotError(ValueError):
    """The file is not the snapshot it should be; the message names what differs."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a snapshot is made from.

    ``gaps`` is the share of patients that lack a measurement, by field: real feature stores have
    holes, the teaching data set has none. ``seed`` chooses which patients.
    """

    id: str
    seed: int
    gaps: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A verified snapshot. ``features`` is rows x ``contract.NAMES``, NaN where a value is missing."""

    id: str
    sha256: str
    row_ids: npt.NDArray[np.int64]
    features: npt.NDArray[np.float64]
    target: npt.NDArray[np.float64]


def create(recipe: Recipe, path: Path) -> str:
    """Writes the snapshot in one step (no half-written file is ever seen); returns its sha256."""
    unknown = set(recipe.gaps) - set(contract.OPTIONAL)
    if unknown:
        raise SnapshotError(f"gaps in fields that may not be missing: {', '.join(sorted(unknown))}")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(_table(recipe), unfinished, compression="zstd", use_dictionary=False)
    digest = file_sha256(unfinished)
    unfinished.replace(path)
    return digest


def read(path: Path, *, sha256: str | None = None) -> Snapshot:
    """Reads a snapshot and checks hash, columns, types, ranges and missing policy.

    Raises:
        SnapshotError: naming every breach of the contract.
    """
    digest = file_sha256(path)
    if sha256 is not None and digest != sha256:
        raise SnapshotError(f"{path.name}: sha256 is {digest}, expected {sha256}")
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise SnapshotError(f"{path.name}: not a Parquet file: {error}") from error
    problems = _problems(table)
    if problems:
        raise SnapshotError(f"{path.name} breaks the data contract: " + "; ".join(problems))
    return _snapshot(table, digest)


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _table(recipe: Recipe) -> pa.Table:
    features, target = load_diabetes(return_X_y=True, scaled=False)
    columns = {contract.ROW_ID: pa.array(range(len(target)), ID_TYPE)}
    for position, name in enumerate(contract.NAMES):
        missing = _missing_rows(recipe, name, len(target))
        mask = np.isin(np.arange(len(target)), missing)
        columns[name] = pa.array(features[:, position], VALUE_TYPE, mask=mask)
    columns[contract.TARGET] = pa.array(target, VALUE_TYPE)
    table = pa.table(columns)
    return table.replace_schema_metadata({ID_KEY: recipe.id, CONTRACT_KEY: _contract_json()})


def _missing_rows(recipe: Recipe, field: str, rows: int) -> list[int]:
    # Ranked by hash and not drawn by a generator: no library version can change the choice.
    count = round(recipe.gaps.get(field, 0.0) * rows)
    return hash_ranked(f"{recipe.seed}/{field}", rows)[:count]


def hash_ranked(salt: str, rows: int) -> list[int]:
    """Row numbers in an order that depends on the salt only."""
    return sorted(range(rows), key=lambda row: hashlib.sha256(f"{salt}/{row}".encode()).digest())


def _contract_json() -> str:
    fields = [
        {"name": f.name, "unit": f.unit, "low": f.low, "high": f.high, "optional": f.optional}
        for f in contract.FIELDS
    ]
    return json.dumps({"fields": fields, "target": contract.TARGET}, sort_keys=True)


def _problems(table: pa.Table) -> list[str]:
    expected = {contract.ROW_ID: ID_TYPE, contract.TARGET: VALUE_TYPE}
    expected |= dict.fromkeys(contract.NAMES, VALUE_TYPE)
    found = {field.name: field.type for field in table.schema}
    problems = [f"{name}: column missing" for name in expected if name not in found]
    problems += [f"{name}: unknown column" for name in found if name not in expected]
    problems += [
        f"{name}: is {found[name]}, must be {kind}"
        for name, kind in expected.items()
        if name in found and found[name] != kind
    ]
    return problems or _value_problems(table)


def _value_problems(table: pa.Table) -> list[str]:
    goal = contract.Field(contract.TARGET, "score", "", contract.TARGET_LOW, contract.TARGET_HIGH)
    return [
        problem
        for field in (*contract.FIELDS, goal)
        for problem in contract.column_problems(field, table[field.name].to_pylist())
    ]


def _snapshot(table: pa.Table, digest: str) -> Snapshot:
    features = np.column_stack(
        [table[name].to_numpy(zero_copy_only=False) for name in contract.NAMES]
    )
    metadata = table.schema.metadata or {}
    return Snapshot(
        id=metadata.get(ID_KEY, b"").decode(),
        sha256=digest,
        row_ids=table[contract.ROW_ID].to_numpy(),
        features=features.astype(np.float64),
        target=table[contract.TARGET].to_numpy(),
    )
