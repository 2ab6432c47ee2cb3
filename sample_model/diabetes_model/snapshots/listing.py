"""Which snapshots are in a folder, or in a feature store over its ``index.json``."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from diabetes_model.snapshots.errors import SnapshotError
from diabetes_model.snapshots.fetching import Limits, fetch_bytes, is_uri, shown
from diabetes_model.snapshots.file import check, file_sha256

INDEX_FORMAT = "davylamp.dev/feature-store/v1"
INDEX_FILE = "index.json"
INDEX_LIMITS = Limits(seconds=60.0, bytes=16 * 2**20)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a store; ``problem`` says what breaks the contract, None if nothing does.

    ``rows`` and ``schema_sha256`` are unknown of a file that breaks it.
    """

    file: str
    id: str
    sha256: str
    bytes: int
    rows: int | None
    schema_sha256: str | None
    problem: str | None


def listing(place: str) -> list[Entry]:
    """The snapshots of a folder, or of a store by its URI.

    Raises:
        SnapshotError: there is no such folder or store.
    """
    if is_uri(place):
        return _of_store(place)
    directory = Path(place)
    if not directory.is_dir():
        raise SnapshotError(f"{place}: no such folder")
    return [_of_file(path) for path in sorted(directory.glob("*.parquet"))]


def index(directory: Path) -> dict[str, Any]:
    """The document that a store serves as ``index.json``."""
    entries = [_of_file(path) for path in sorted(directory.glob("*.parquet"))]
    return {"format": INDEX_FORMAT, "snapshots": [_camel(asdict(entry)) for entry in entries]}


def _of_file(path: Path) -> Entry:
    size = path.stat().st_size
    try:
        facts = check(path)
    except SnapshotError as error:
        digest = file_sha256(path)
        return Entry(path.name, path.stem, digest, size, None, None, str(error))
    return Entry(path.name, facts.id, facts.sha256, size, facts.rows, facts.schema_sha256, None)


def _of_store(uri: str) -> list[Entry]:
    address = uri if uri.endswith(".json") else f"{uri.rstrip('/')}/{INDEX_FILE}"
    try:
        document = json.loads(fetch_bytes(address, limits=INDEX_LIMITS))
        if document["format"] != INDEX_FORMAT:
            raise SnapshotError(f"{shown(address)}: is not of format {INDEX_FORMAT}")
        return [_of_index(entry) for entry in document["snapshots"]]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        reason = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise SnapshotError(f"{shown(address)}: no index of snapshots: {reason}") from error


def _of_index(entry: Mapping[str, Any]) -> Entry:
    return Entry(
        file=str(entry["file"]),
        id=str(entry["id"]),
        sha256=str(entry["sha256"]),
        bytes=int(entry["bytes"]),
        rows=entry.get("rows"),
        schema_sha256=entry.get("schemaSha256"),
        problem=entry.get("problem"),
    )


def _camel(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemaSha256" if key == "schema_sha256" else key: v for key, v in entry.items()}
