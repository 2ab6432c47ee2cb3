"""What the graph answers to the rows of the snapshot, once it agrees with the pipeline."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from diabetes_model import contract, model, shares
from diabetes_model.explanation import Explanation
from diabetes_model.manifest import ExplanationBaseline
from diabetes_model.training.pipeline import TrainingError

PARITY = 1e-9

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answers:
    """Per row of the snapshot: the prediction, and what each feature gave to it."""

    predictions: Matrix
    contributions: Matrix
    baseline: float

    @classmethod
    def of(cls, graph: bytes, pipeline: Pipeline, features: Matrix) -> "Answers":
        """Asks the graph.

        Raises:
            TrainingError: it says something else than the pipeline, or does not add up.
        """
        predictions, contributions = model.session(graph).run(None, {"features": features})
        baseline = float(pipeline.named_steps["ridge"].intercept_)
        _refuse(predictions, pipeline.predict(features), "the graph differs from the pipeline")
        sums = baseline + contributions.sum(axis=1)
        _refuse(predictions, sums, "explanations do not add up to the prediction")
        return cls(predictions, contributions, baseline)

    def explanation(self, row: int) -> Explanation:
        """The explanation of one row."""
        values = map(float, self.contributions[row])
        return Explanation(
            prediction=float(self.predictions[row]),
            baseline=self.baseline,
            contributions=dict(zip(contract.NAMES, values, strict=True)),
        )

    def typical(self) -> ExplanationBaseline:
        """What the nightly job compares with: the mean shares over all rows."""
        mean = shares.of(self.contributions).mean(axis=0)
        return ExplanationBaseline(
            rows=len(self.predictions),
            expected_value=self.baseline,
            shares=dict(zip(contract.NAMES, map(float, mean), strict=True)),
        )


def _refuse(left: Matrix, right: Matrix, what: str) -> None:
    difference = float(np.abs(left - right).max())
    if not difference <= PARITY:
        raise TrainingError(f"{what}: by {difference}")
