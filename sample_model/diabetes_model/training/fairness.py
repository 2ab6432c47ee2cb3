"""Is the model as good for one group as for another? Measured on the held-out rows."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from fairlearn.metrics import MetricFrame
from sklearn.metrics import mean_absolute_error

from diabetes_model import contract
from diabetes_model.manifest import Group, GroupGap
from diabetes_model.release import BiasBounds, GroupMetric
from diabetes_model.training.pipeline import TrainingError

Vector = npt.NDArray[np.float64]


def gaps(
    bounds: BiasBounds, *, features: Vector, truth: Vector, predictions: Vector, part: str
) -> tuple[GroupGap, ...]:
    """Every bounded metric by group, and the largest difference between two groups.

    Args:
        bounds: the field that makes the groups, and the gap that each metric may have.
        features: rows x ``contract.NAMES``.
        truth: the target of each row.
        predictions: what the model says to each row.
        part: what these rows are called.

    Raises:
        TrainingError: there is one group only: nothing can be said about the other.
    """
    groups = features[:, contract.NAMES.index(bounds.by)]
    if len(np.unique(groups)) < 2:
        raise TrainingError(f"bias by {bounds.by}: the {part} rows are all of one group")
    frame = MetricFrame(
        metrics={metric.value: _function(metric, bounds.threshold) for metric in bounds.largest},
        y_true=truth,
        y_pred=predictions,
        sensitive_features=[f"{group:g}" for group in groups],
    )
    sizes = {name: int((groups == float(name)).sum()) for name in frame.by_group.index}
    return tuple(_gap(frame, metric, bounds, sizes, part) for metric in bounds.largest)


def _gap(
    frame: MetricFrame, metric: GroupMetric, bounds: BiasBounds, sizes: dict[str, int], part: str
) -> GroupGap:
    values = {name: float(value) for name, value in frame.by_group[metric.value].items()}
    return GroupGap(
        by=bounds.by,
        part=part,
        metric=metric.value,
        groups={name: Group(value, sizes[name]) for name, value in values.items()},
        gap=max(values.values()) - min(values.values()),
        max=bounds.largest[metric],
        threshold=bounds.threshold if metric is GroupMetric.SELECTION_RATE else None,
    )


def _function(metric: GroupMetric, threshold: float) -> Callable[[Vector, Vector], float]:
    match metric:
        case GroupMetric.MEAN_ABSOLUTE_ERROR:
            return _absolute
        case GroupMetric.MEAN_ERROR:
            return _signed
        case GroupMetric.SELECTION_RATE:
            return lambda _truth, guess: float(np.mean(np.asarray(guess) > threshold))


def _absolute(truth: Vector, guess: Vector) -> float:
    return float(mean_absolute_error(truth, guess))


def _signed(truth: Vector, guess: Vector) -> float:
    return float(np.mean(np.asarray(guess) - np.asarray(truth)))
