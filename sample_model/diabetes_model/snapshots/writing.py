"""Writing a snapshot: in one step, so that no half-written file is ever seen under its name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from diabetes_model.snapshots.errors import SnapshotError
from diabetes_model.snapshots.file import file_sha256


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A file beside the target to write to: renamed at the end, gone if anything went wrong."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write(table: pa.Table, path: Path, *, sha256: str | None = None) -> str:
    """Writes the table; returns the sha256 of the file.

    Raises:
        SnapshotError: it is not the one that was expected; nothing is written then.
    """
    with unfinished(path) as part:
        pq.write_table(table, part, compression="zstd", use_dictionary=False)
        digest = file_sha256(part)
        if sha256 not in {None, digest}:
            raise SnapshotError(f"{path.name}: sha256 is {digest}, expected {sha256}")
    return digest


def place(out: Path, snapshot_id: str) -> Path:
    """The file to write: ``out``, or ``<id>.parquet`` in it if it is a directory."""
    return out / f"{snapshot_id}.parquet" if out.is_dir() else out
