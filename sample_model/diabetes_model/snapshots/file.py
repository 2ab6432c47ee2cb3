"""Reading a snapshot: nothing is taken from a file that breaks the hash or the data contract."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from diabetes_model import contract
from diabetes_model.contract import Kind
from diabetes_model.snapshots.errors import SnapshotError

ID_TYPE = pa.int64()
VALUE_TYPE = pa.float64()
ID_KEY = b"snapshot.id"
CONTRACT_KEY = b"snapshot.contract"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a checked file; ``bytes`` is its size."""

    id: str
    kind: Kind
    sha256: str
    schema_sha256: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A verified snapshot. ``features`` is rows x ``contract.NAMES``, NaN where a value is missing."""

    id: str
    sha256: str
    schema_sha256: str
    row_ids: npt.NDArray[np.int64]
    features: npt.NDArray[np.float64]
    target: npt.NDArray[np.float64]


def check(path: Path, *, sha256: str | None = None) -> Facts:
    """Checks hash, contract, columns, types, ranges and missing policy of a file of either kind.

    Raises:
        SnapshotError: naming every breach of the contract.
    """
    return _checked(path, sha256)[0]


def read(path: Path, *, sha256: str | None = None) -> Snapshot:
    """Reads a snapshot to train on; raises like ``check``."""
    facts, table = _checked(path, sha256)
    if facts.kind is not Kind.TRAINING:
        raise SnapshotError(f"{path.name}: a snapshot of traffic, none to train on")
    features = np.column_stack(
        [table[name].to_numpy(zero_copy_only=False) for name in contract.NAMES]
    )
    return Snapshot(
        id=facts.id,
        sha256=facts.sha256,
        schema_sha256=facts.schema_sha256,
        row_ids=table[contract.ROW_ID].to_numpy(),
        features=features.astype(np.float64),
        target=table[contract.TARGET.name].to_numpy(),
    )


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def schema(kind: Kind, snapshot_id: str) -> pa.Schema:
    """Columns, types, and the contract in the metadata, as every file of this kind has them."""
    columns = [(field.name, VALUE_TYPE) for field in contract.measured(kind)]
    identity = [(contract.ROW_ID, ID_TYPE)] if kind is Kind.TRAINING else []
    metadata = {ID_KEY: snapshot_id.encode(), CONTRACT_KEY: contract.text(kind).encode()}
    return pa.schema([*identity, *columns], metadata=metadata)


def _checked(path: Path, sha256: str | None) -> tuple[Facts, pa.Table]:
    digest = file_sha256(path)
    if sha256 is not None and digest != sha256:
        raise SnapshotError(f"{path.name}: sha256 is {digest}, expected {sha256}")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise SnapshotError(f"{path.name}: not a Parquet file: {error}") from error
    kind, problems = _problems(table)
    if problems:
        raise SnapshotError(f"{path.name} breaks the data contract: " + "; ".join(problems))
    facts = Facts(
        id=_metadata(table, ID_KEY),
        kind=kind,
        sha256=digest,
        schema_sha256=hashlib.sha256(_metadata(table, CONTRACT_KEY).encode()).hexdigest(),
        rows=table.num_rows,
        bytes=path.stat().st_size,
    )
    return facts, table


def _problems(table: pa.Table) -> tuple[Kind, list[str]]:
    kind = _kind(table)
    expected = schema(kind, "")
    found = {field.name: field.type for field in table.schema}
    problems = [f"{name}: column missing" for name in expected.names if name not in found]
    problems += [f"{name}: unknown column" for name in found if name not in expected.names]
    problems += [
        f"{field.name}: is {found[field.name]}, must be {field.type}"
        for field in expected
        if field.name in found and found[field.name] != field.type
    ]
    return kind, problems or _stated_problems(table, kind) or _value_problems(table, kind)


def _stated_problems(table: pa.Table, kind: Kind) -> list[str]:
    """The contract that the file carries is the one of this code."""
    problems = [] if _metadata(table, ID_KEY) else ["it has no id"]
    stated = _metadata(table, CONTRACT_KEY)
    if not stated:
        return [*problems, "it carries no contract"]
    if stated != contract.text(kind):
        problems.append(f"it carries another contract than this model's: {_other(stated, kind)}")
    return problems


def _other(stated: str, kind: Kind) -> str:
    """The first column of which another contract says something else."""
    ours = json.loads(contract.text(kind))["columns"]
    try:
        theirs = json.loads(stated)["columns"]
        differing = [a["name"] for a, b in zip(ours, theirs, strict=True) if a != b]
    except (ValueError, KeyError, TypeError):
        return "not the same columns"
    return f"{differing[0]} differs" if differing else "another format"


def _value_problems(table: pa.Table, kind: Kind) -> list[str]:
    problems = [
        problem
        for field in contract.measured(kind)
        for problem in contract.column_problems(field, table[field.name].to_pylist())
    ]
    if table.num_rows == 0:
        problems.append("it has no rows")
    if kind is Kind.TRAINING and len(table[contract.ROW_ID].unique()) < table.num_rows:
        problems.append(f"{contract.ROW_ID}: not unique")
    return problems


def _kind(table: pa.Table) -> Kind:
    try:
        return Kind(json.loads(_metadata(table, CONTRACT_KEY))["kind"])
    except (ValueError, KeyError, TypeError):
        return Kind.TRAINING


def _metadata(table: pa.Table, key: bytes) -> str:
    return str((table.schema.metadata or {}).get(key, b"").decode(errors="replace"))
