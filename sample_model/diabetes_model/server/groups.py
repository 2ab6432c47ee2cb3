"""Live bias: who was answered, and how, by group.

The share of high answers of a group, and their gap, is what training measured as ``selectionRate``::

    sum by (group) (rate(model_group_predictions_total{outcome="high"}[1h]))
      / sum by (group) (rate(model_group_predictions_total[1h]))
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from prometheus_client.core import CounterMetricFamily, Metric

from diabetes_model import contract
from diabetes_model.manifest import Manifest
from diabetes_model.model import Matrix

OTHER = "other"
ANSWERED, FAILED = "200", "500"
HIGH, LOW = "high", "low"

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which group a row is of, and above which score an answer is ``high``.

    ``groups`` maps the name of a group to its value in ``column``; every other value is ``other``.
    """

    column: int
    groups: Mapping[str, float]
    threshold: float

    @classmethod
    def of(cls, manifest: Manifest) -> Self | None:
        """The grouping by which training measured bias, if by a feature that holds codes.

        Without a threshold in the manifest, high is above the mean of the training data.
        """
        measured = [gap for gap in manifest.bias if gap.by in contract.CODES]
        if not measured:
            return None
        thresholds = [gap.threshold for gap in measured if gap.threshold is not None]
        return cls(
            column=contract.NAMES.index(measured[0].by),
            groups={name: float(name) for name in sorted(measured[0].groups)},
            threshold=[*thresholds, manifest.explanation_baseline.expected_value][0],
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the groups."""
        return (*self.groups, OTHER)

    def counts(self, features: Matrix) -> Counts:
        """How many rows there are of each group, in the order of ``names``."""
        values = features[:, self.column]
        known = [int(np.count_nonzero(values == code)) for code in self.groups.values()]
        return np.array([*known, len(values) - sum(known)])


class GroupTally:
    """``model_group_requests_total`` and ``model_group_predictions_total``, in rows."""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping
        zeros = np.zeros(len(grouping.names), dtype=np.int64)
        self._by_code = {code: zeros.copy() for code in (ANSWERED, FAILED)}
        self._by_outcome = {outcome: zeros.copy() for outcome in (HIGH, LOW)}

    def answered(self, features: Matrix, predictions: npt.NDArray[np.float64]) -> None:
        """Counts rows and the answers to them."""
        high = self._grouping.counts(features[predictions > self._grouping.threshold])
        everybody = self._grouping.counts(features)
        self._by_code[ANSWERED] += everybody
        self._by_outcome[HIGH] += high
        self._by_outcome[LOW] += everybody - high

    def failed(self, features: Matrix) -> None:
        """Counts rows of a valid request to which the model had no answer."""
        self._by_code[FAILED] += self._grouping.counts(features)

    def collect(self, identity: Mapping[str, str]) -> Iterator[Metric]:
        """The counters, with the labels of ``identity`` before their own."""
        families = (
            ("requests", "Rows asked about, by the code of their answer.", "code", self._by_code),
            ("predictions", "Rows answered, by outcome.", "outcome", self._by_outcome),
        )
        for what, help_text, label, counts in families:
            family = CounterMetricFamily(
                f"model_group_{what}", help_text, labels=(*identity, "group", label)
            )
            for key, rows in counts.items():
                for name, number in zip(self._grouping.names, rows, strict=True):
                    family.add_metric((*identity.values(), name, key), int(number))
            yield family
