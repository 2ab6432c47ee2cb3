"""The explanation baseline: what the manifest says, and whether it still comes out the same."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diabetes_model import contract
from diabetes_model.drift import shares
from diabetes_model.drift.shares import Matrix, Vector
from diabetes_model.drift.verdict import Explained
from diabetes_model.model import Model

TOLERANCE = 1e-9


class BaselineError(RuntimeError):
    """The image is not the one it should be, or has no baseline to compare with."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Mean shares over the rows of the feature snapshot, in the order of ``contract.NAMES``."""

    rows: int
    shares: Vector

    @classmethod
    def claimed(cls, manifest: Mapping[str, Any]) -> "Baseline":
        """The baseline that a manifest document states.

        Raises:
            BaselineError: there is none, or it is of other features.
        """
        stated = manifest.get("explanationBaseline")
        if stated is None:
            raise BaselineError("the manifest has no explanationBaseline")
        missing = sorted(set(contract.NAMES) ^ set(stated["shares"]))
        if missing:
            raise BaselineError(
                f"the manifest's baseline differs in features: {', '.join(missing)}"
            )
        values = [float(stated["shares"][name]) for name in contract.NAMES]
        return cls(rows=int(stated["rows"]), shares=np.array(values))

    @classmethod
    def of(cls, explained: Explained) -> "Baseline":
        """The baseline that these answers give."""
        rows = shares.of(explained.contributions)
        return cls(rows=len(rows), shares=rows.mean(axis=0))

    def difference(self, other: "Baseline") -> float:
        """Largest difference between two baselines; infinite if they are of different rows."""
        if self.rows != other.rows:
            return math.inf
        return float(np.abs(self.shares - other.shares).max())


def explain(model: Model, features: Matrix) -> tuple[Explained, int]:
    """What the model answers, and to how many rows it has no answer.

    Those are left out: whoever sent such a row got an error, and no explanation.
    """
    scores, contributions = model.session.run(None, {"features": features})
    answered = np.isfinite(scores)
    explained = Explained(contributions[answered], scores[answered])
    return explained, int((~answered).sum())


def check_claims(manifest: Mapping[str, Any], claims: Mapping[str, str]) -> None:
    """Compares what the deployment says about the image with what the image says.

    Raises:
        BaselineError: naming the first that differs.
    """
    stated = {
        "image tag": str(manifest["image"]["tag"]),
        "feature snapshot": str(manifest["featureSnapshot"]["id"]),
        "seed": str(manifest["seed"]),
    }
    for what, deployed in claims.items():
        if deployed != stated[what]:
            raise BaselineError(f"deployed with {what} {deployed}, trained with {stated[what]}")
