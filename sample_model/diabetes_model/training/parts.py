"""Which rows a model learns from, is tuned on, and is judged by."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diabetes_model.holdout import is_held_out
from diabetes_model.snapshots import Snapshot

VALIDATION_SHARE = 0.15

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Parts:
    """Row positions: held out for good, and the seed's division of the rest."""

    train: Indices
    validation: Indices
    holdout: Indices

    def named(self) -> dict[str, Indices]:
        """The parts by name."""
        return {"train": self.train, "validation": self.validation, "holdout": self.holdout}


def divide(snapshot: Snapshot, seed: int) -> Parts:
    """Held-out rows depend on nothing but their row id, so that every release is judged alike."""
    held_out = np.array([is_held_out(int(row)) for row in snapshot.row_ids], dtype=np.bool_)
    rest = np.random.default_rng(seed).permutation(np.flatnonzero(~held_out))
    first = round(len(rest) * VALIDATION_SHARE)
    return Parts(
        train=np.sort(rest[first:]),
        validation=np.sort(rest[:first]),
        holdout=np.flatnonzero(held_out),
    )
