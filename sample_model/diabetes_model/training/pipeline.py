"""The pipeline: what the hyperparameters ask for, fitted."""

import numpy as np
import numpy.typing as npt
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from diabetes_model.release import Hyperparameters, Impute

Matrix = npt.NDArray[np.float64]


class TrainingError(RuntimeError):
    """No model can be made of this input."""


def untrained(hyperparameters: Hyperparameters, seed: int) -> Pipeline:
    """The pipeline these hyperparameters ask for."""
    steps: list[tuple[str, object]] = []
    if hyperparameters.impute is not Impute.NONE:
        steps.append(("impute", SimpleImputer(strategy=hyperparameters.impute.value)))
    steps.append(("scale", StandardScaler()))
    ridge = Ridge(alpha=hyperparameters.alpha, solver="cholesky", random_state=seed)
    steps.append(("ridge", ridge))
    return Pipeline(steps)


def fit(pipeline: Pipeline, features: Matrix, target: Matrix) -> Pipeline:
    """Fits.

    Raises:
        TrainingError: the rows do not suit the pipeline.
    """
    try:
        return pipeline.fit(features, target)
    except ValueError as error:
        raise TrainingError(f"cannot fit: {str(error).splitlines()[0]}") from error
