"""What a training run is given."""

import math
from dataclasses import dataclass, field

from diabetes_model import contract
from diabetes_model.manifest import Image, Row
from diabetes_model.release import BiasBounds, Hyperparameters
from diabetes_model.snapshots import Snapshot

LOCAL = Image(tag="local", commit="unknown", dirty=False, base="unknown")


@dataclass(frozen=True, slots=True)
class Run:
    """One training run. ``image`` is what will carry the artefact."""

    snapshot: Snapshot
    seed: int
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    bias: BiasBounds = field(default_factory=BiasBounds)
    image: Image = LOCAL

    def choices(self) -> dict[str, str | float]:
        """The hyperparameters as JSON types."""
        chosen = self.hyperparameters
        return {"impute": chosen.impute.value, "alpha": chosen.alpha}

    def row(self, position: int) -> Row:
        """A row of the snapshot as a request has it."""
        values = self.snapshot.features[position].tolist()
        pairs = zip(contract.NAMES, values, strict=True)
        return {name: None if math.isnan(value) else value for name, value in pairs}
