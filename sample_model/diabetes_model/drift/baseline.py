"""The explanation baseline: what the manifest says, and whether it still comes out the same."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diabetes_model import contract, shares
from diabetes_model.drift.verdict import Explained
from diabetes_model.manifest import ExplanationBaseline, Manifest
from diabetes_model.model import Model
from diabetes_model.shares import Matrix, Vector

TOLERANCE = 1e-9


class BaselineError(RuntimeError):
    """The image is not the one it should be, or its baseline is of other features."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Mean shares over the rows of the feature snapshot, in the order of ``contract.NAMES``.

    ``expected`` is what every explanation starts from before any feature contributes.
    """

    rows: int
    expected: float
    shares: Vector

    @classmethod
    def stated(cls, by: ExplanationBaseline) -> "Baseline":
        """The baseline of a manifest.

        Raises:
            BaselineError: it is of other features.
        """
        differing = sorted(set(contract.NAMES) ^ set(by.shares))
        if differing:
            raise BaselineError(f"the manifest's baseline differs in {', '.join(differing)}")
        shares_in_order = np.array([by.shares[name] for name in contract.NAMES])
        return cls(by.rows, by.expected_value, shares_in_order)

    @classmethod
    def of(cls, answers: Explained) -> "Baseline":
        """The baseline that these answers give."""
        expected = answers.scores - answers.contributions.sum(axis=1)
        rows = shares.of(answers.contributions)
        return cls(len(rows), float(expected.mean()), rows.mean(axis=0))

    def difference(self, other: "Baseline") -> float:
        """Largest difference of two baselines; infinite if they are of different numbers of rows.

        Between shares as it is, between expected values relative to the first.
        """
        if self.rows != other.rows:
            return math.inf
        expected = abs(self.expected - other.expected) / max(1.0, abs(self.expected))
        return max(expected, float(np.abs(self.shares - other.shares).max()))


def explain(model: Model, features: Matrix) -> tuple[Explained, int]:
    """What the model answers, and to how many rows it has no answer.

    Those are left out: a request with such a row is answered with an error, without an explanation.
    """
    scores, contributions = model.session.run(None, {"features": features})
    answered = np.isfinite(scores)
    explained = Explained(contributions[answered], scores[answered])
    return explained, int((~answered).sum())


def check_claims(manifest: Manifest, claims: Mapping[str, str]) -> None:
    """Compares what the deployment says about the image with what the image says.

    Raises:
        BaselineError: naming the first that differs.
    """
    stated = {
        "image tag": manifest.image.tag,
        "feature snapshot": manifest.feature_snapshot.id,
        "seed": str(manifest.seed),
    }
    for what, deployed in claims.items():
        if deployed != stated[what]:
            raise BaselineError(f"deployed with {what} {deployed}, trained with {stated[what]}")
