"""From a training run to its manifest: everything that it claims, measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from diabetes_model import environment
from diabetes_model.manifest import (
    FeatureSnapshot,
    Golden,
    GroupGap,
    Manifest,
    Request,
    Timing,
)
from diabetes_model.model import GOLDEN_TOLERANCE
from diabetes_model.training import fairness
from diabetes_model.training.answers import Answers
from diabetes_model.training.parts import Parts
from diabetes_model.training.task import Run

MODEL_NAME = "diabetes-risk"
GOLDEN_ROWS = 5
JUDGED_BY = "holdout"

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trained:
    """A run, what it was divided into, the steps of its pipeline, and its answers."""

    run: Run
    parts: Parts
    steps: tuple[str, ...]
    answers: Answers

    def scores(self) -> dict[str, dict[str, float]]:
        """Scores by part of the data."""
        truth, guess = self.run.snapshot.target, self.answers.predictions
        return {part: _scores(truth[at], guess[at]) for part, at in self.parts.named().items()}

    def gaps(self) -> tuple[GroupGap, ...]:
        """Group metrics on the held-out rows."""
        at = self.parts.named()[JUDGED_BY]
        return fairness.gaps(
            self.run.bias,
            features=self.run.snapshot.features[at],
            truth=self.run.snapshot.target[at],
            predictions=self.answers.predictions[at],
            part=JUDGED_BY,
        )

    def golden(self) -> tuple[Golden, ...]:
        """The first held-out rows, and one that lacks a measurement if there is one."""
        held_out = [int(position) for position in self.parts.holdout]
        lacking = [i for i in held_out if np.isnan(self.run.snapshot.features[i]).any()]
        chosen = dict.fromkeys([*held_out[:GOLDEN_ROWS], *lacking[:1]])
        return tuple(self._golden(position) for position in chosen)

    def _golden(self, position: int) -> Golden:
        explanation = self.answers.explanation(position)
        request = Request(rows=(self.run.row(position),))
        return Golden(request, (explanation.prediction,), (explanation,))


@dataclass(frozen=True, slots=True)
class Claims:
    """What was measured, before anything is written."""

    metrics: Mapping[str, Mapping[str, float]]
    bias: tuple[GroupGap, ...]
    golden: tuple[Golden, ...]

    @classmethod
    def of(cls, trained: Trained) -> "Claims":
        """Measures.

        Raises:
            TrainingError: the held-out rows are all of one group.
        """
        return cls(trained.scores(), trained.gaps(), trained.golden())


def manifest(
    trained: Trained, claims: Claims, *, artefacts: Mapping[str, str], timing: Timing
) -> Manifest:
    """The manifest of a run whose files have these hashes."""
    run, snapshot = trained.run, trained.run.snapshot
    return Manifest(
        model=MODEL_NAME,
        image=run.image,
        feature_snapshot=FeatureSnapshot(snapshot.id, snapshot.sha256, snapshot.schema_sha256),
        seed=run.seed,
        seeds={"division": run.seed, "model": run.seed},
        hyperparameters=run.choices(),
        steps=trained.steps,
        lock_sha256=environment.lock_sha256(),
        libraries=environment.library_versions(),
        environment=environment.numeric_environment(),
        machine=environment.machine(),
        timing=timing,
        artefacts=artefacts,
        rows={part: len(at) for part, at in trained.parts.named().items()},
        metrics=claims.metrics,
        bias=claims.bias,
        golden=claims.golden,
        tolerance=GOLDEN_TOLERANCE,
        explanation_baseline=trained.answers.typical(),
    )


def timing(started: datetime, seconds: float) -> Timing:
    """When a run began and how long it took."""
    return Timing(started.isoformat(timespec="seconds"), round(seconds, 3))


def _scores(truth: Vector, guess: Vector) -> dict[str, float]:
    return {
        "mae": float(mean_absolute_error(truth, guess)),
        "r2": float(r2_score(truth, guess)),
        "rmse": float(root_mean_squared_error(truth, guess)),
    }
