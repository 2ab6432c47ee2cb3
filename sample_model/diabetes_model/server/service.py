"""The model with all that happens around an answer, before anything is HTTP."""

import time
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from diabetes_model.model import Matrix, Model
from diabetes_model.server.faults import FaultPlayer
from diabetes_model.server.groups import Grouping
from diabetes_model.server.logs import FailureLog
from diabetes_model.server.metrics import Metrics
from diabetes_model.server.recent import RecentRows
from diabetes_model.server.requests import rows_of
from diabetes_model.server.settings import Settings
from diabetes_model.server.tally import Tally

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Explained:
    """Row by row ``predictions = baseline + contributions.sum(axis=1)``, features in their order."""

    predictions: Vector
    contributions: Matrix
    baseline: float


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes answer from. Answers take microseconds, so they are made where they are asked."""

    settings: Settings
    model: Model
    metrics: Metrics
    faults: FaultPlayer
    tally: Tally
    recent: RecentRows
    failures: FailureLog = field(default_factory=FailureLog)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Loads the model; raises if it is not the one that its manifest describes."""
        model = Model.load(settings.model_directory)
        identity = {"model": settings.model, "revision": settings.revision}
        metrics = Metrics.of(**identity)
        tally = Tally(**identity, grouping=Grouping.of(model.manifest))
        metrics.registry.register(tally)
        return cls(
            settings=settings,
            model=model,
            metrics=metrics,
            faults=FaultPlayer(settings.faults, time.monotonic()),
            tally=tally,
            recent=RecentRows(settings.recent_rows),
        )

    @property
    def tag(self) -> str:
        """The tag this server was deployed as, else the one that its image claims."""
        return self.settings.tag or self.model.manifest.image.tag

    @property
    def identity(self) -> dict[str, str]:
        """Who answers, in the bodies of plain answers."""
        return {"revision": self.settings.revision, "tag": self.tag}

    def predict(self, features: Matrix) -> Vector:
        """One prediction per row; counted, and remembered if rows are kept.

        Raises:
            ModelError: the model has no answer; the message says for which row.
            InjectedError: a test asked for it.
        """
        try:
            self.faults.maybe_fail()
            predictions, contributions = self._run(features)
        except Exception:
            self.tally.failed(features)
            raise
        predictions = self.faults.shifted(predictions)
        self.tally.answered(features, predictions, self.faults.bent(contributions))
        self.recent.keep(features)
        return predictions

    def explain(self, features: Matrix) -> Explained:
        """One explanation per row; raises ModelError as ``predict`` does."""
        predictions, contributions = self._run(features)
        baseline = self.model.manifest.explanation_baseline.expected_value
        return Explained(predictions, self.faults.bent(contributions), baseline)

    def _run(self, features: Matrix) -> tuple[Vector, Matrix]:
        predictions, contributions = self.model.session.run(None, {"features": features})
        if not np.isfinite(predictions).all():
            self.model.predict(rows_of(features))  # raises, and says which row and why
        return predictions, contributions
