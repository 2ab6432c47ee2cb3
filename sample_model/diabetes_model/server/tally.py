"""What was answered, counted: scores, shares of the explanation, and groups.

Every answer of the graph brings its contributions along, so they cost nothing to have. Counting them
one request at a time would cost more than the answer itself: they are noted, and counted a few
hundred rows at a time, or when it is scraped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from diabetes_model import contract, shares
from diabetes_model.model import Matrix
from diabetes_model.server.groups import Grouping, GroupTally

SCORE_BUCKETS = tuple(float(bound) for bound in range(25, 351, 25))
ROWS_AT_ONCE = 256

Vector = npt.NDArray[np.float64]


@dataclass(slots=True)
class Totals:
    """What the rows of many answers come to."""

    scores: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(len(SCORE_BUCKETS) + 1, dtype=np.int64)
    )
    score_sum: float = 0.0
    shares: Vector = field(default_factory=lambda: np.zeros(len(contract.NAMES)))

    def add(self, predictions: Vector, contributions: Matrix) -> None:
        """Counts some rows."""
        buckets = np.searchsorted(SCORE_BUCKETS, predictions)
        self.scores += np.bincount(buckets, minlength=len(self.scores))
        self.score_sum += float(predictions.sum())
        self.shares += shares.of(contributions).sum(axis=0)


class Tally(Collector):
    """``model_prediction_score``, ``model_explanation_share_*`` and ``model_group_*`` of one server.

    Notes and scrapes are of one thread.
    """

    def __init__(self, *, model: str, revision: str, grouping: Grouping | None) -> None:
        self._identity = {"model": model, "revision": revision}
        self._groups = GroupTally(grouping) if grouping else None
        self._totals = Totals()
        self._noted: list[tuple[Matrix, Vector, Matrix]] = []
        self._rows_noted = 0

    def answered(self, features: Matrix, predictions: Vector, contributions: Matrix) -> None:
        """Notes the rows of one answer."""
        self._noted.append((features, predictions, contributions))
        self._rows_noted += len(features)
        if self._rows_noted >= ROWS_AT_ONCE:
            self._count()

    def failed(self, features: Matrix) -> None:
        """Counts the rows of a valid request to which the model had no answer."""
        if self._groups:
            self._groups.failed(features)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus scrapes."""
        self._count()
        yield self._scores()
        yield self._shares()
        if self._groups:
            yield from self._groups.collect(self._identity)

    def _count(self) -> None:
        if not self._noted:
            return
        features, predictions, contributions = map(np.concatenate, zip(*self._noted, strict=True))
        self._noted, self._rows_noted = [], 0
        self._totals.add(predictions, contributions)
        if self._groups:
            self._groups.answered(features, predictions)

    def _scores(self) -> Metric:
        family = HistogramMetricFamily(
            "model_prediction_score", "Predictions, one per row.", labels=tuple(self._identity)
        )
        bounds = [*map(str, SCORE_BUCKETS), "+Inf"]
        below = map(float, self._totals.scores.cumsum())
        buckets = list(zip(bounds, below, strict=True))
        family.add_metric(tuple(self._identity.values()), buckets, self._totals.score_sum)
        return family

    def _shares(self) -> Metric:
        """A sum by feature over one count: no summary family could say that."""
        name = "model_explanation_share"
        metric = Metric(name, "Shares of the features in the absolute contributions.", "summary")
        for feature, total in zip(contract.NAMES, self._totals.shares, strict=True):
            metric.add_sample(f"{name}_sum", {**self._identity, "feature": feature}, float(total))
        metric.add_sample(f"{name}_count", self._identity, float(self._totals.scores.sum()))
        return metric
