"""Feature snapshots: Parquet files that carry their data contract and are known by their sha256."""

from diabetes_model.snapshots.errors import SnapshotError
from diabetes_model.snapshots.fetching import Limits, fetch
from diabetes_model.snapshots.file import Facts, Snapshot, check, file_sha256, read
from diabetes_model.snapshots.listing import Entry, index, listing
from diabetes_model.snapshots.recipe import Loss, Recipe, create
from diabetes_model.snapshots.traffic import create_from_rows

__all__ = [
    "Entry",
    "Facts",
    "Limits",
    "Loss",
    "Recipe",
    "Snapshot",
    "SnapshotError",
    "check",
    "create",
    "create_from_rows",
    "fetch",
    "file_sha256",
    "index",
    "listing",
    "read",
]
