"""The model that answers: rows in, predictions and contributions out. No scikit-learn in here."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import onnxruntime

from diabetes_model import contract
from diabetes_model.explanation import Explanation
from diabetes_model.manifest import Golden, Manifest

MODEL_FILE = "model.onnx"
GOLDEN_TOLERANCE = 1e-9

Row = Mapping[str, float | None]
Matrix = npt.NDArray[np.float64]


class ModelError(RuntimeError):
    """The model has no answer for these rows; the message says which row and why."""


class ArtefactError(RuntimeError):
    """The artefact on disk is not the one its manifest describes."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded artefact."""

    manifest: Manifest
    session: onnxruntime.InferenceSession

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Loads the graph, and answers the golden requests of its training run before anyone else.

        Raises:
            ArtefactError: another hash, or another prediction, than the manifest says.
        """
        manifest = Manifest.read(directory)
        content = (directory / MODEL_FILE).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != manifest.artefacts[MODEL_FILE]:
            raise ArtefactError(f"{MODEL_FILE} has sha256 {digest}, its manifest says otherwise")
        model = cls(manifest, session(content))
        model.check_golden()
        return model

    def check_golden(self) -> None:
        """Compares the golden predictions and explanations of the manifest with this model's."""
        for number, golden in enumerate(self.manifest.golden):
            problem = _difference(golden, self.explain(golden.request.rows))
            if problem:
                raise ArtefactError(f"golden request {number}: {problem}")

    def predict(self, rows: Sequence[Row]) -> list[float]:
        """One prediction per row."""
        return [float(value) for value in self._answer(rows)[0]]

    def explain(self, rows: Sequence[Row]) -> list[Explanation]:
        """One explanation per row; what a missing value was replaced by counts as its feature's."""
        predictions, contributions = self._answer(rows)
        return [
            Explanation(
                prediction=float(prediction),
                baseline=self.manifest.explanation_baseline.expected_value,
                contributions=dict(zip(contract.NAMES, map(float, shares), strict=True)),
            )
            for prediction, shares in zip(predictions, contributions, strict=True)
        ]

    def _answer(self, rows: Sequence[Row]) -> tuple[Matrix, Matrix]:
        predictions, contributions = self.session.run(None, {"features": matrix(rows)})
        if not np.isfinite(predictions).all():
            raise ModelError(_no_number(rows, predictions))
        return predictions, contributions


def _difference(golden: Golden, answers: Sequence[Explanation]) -> str | None:
    """The first number that is not what training said."""
    cases = zip(golden.predictions, golden.explanations, answers, strict=True)
    for prediction, want, got in cases:
        pairs = [
            ("prediction", prediction, got.prediction),
            ("baseline", want.baseline, got.baseline),
            *((name, want.contributions[name], got.contributions[name]) for name in contract.NAMES),
        ]
        for name, said, answered in pairs:
            if not abs(said - answered) <= GOLDEN_TOLERANCE:
                return f"{name} {answered!r}, training said {said!r}"
    return None


def session(content: bytes) -> onnxruntime.InferenceSession:
    """A single-threaded session: one process per pod, scaled by replicas."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def matrix(rows: Sequence[Row]) -> Matrix:
    """Rows as the model wants them: columns in the order of the contract, NaN where missing."""
    return np.array(
        [
            [np.nan if (v := row.get(name)) is None else v for name in contract.NAMES]
            for row in rows
        ],
        dtype=np.float64,
    ).reshape(-1, len(contract.NAMES))


def _no_number(rows: Sequence[Row], predictions: Matrix) -> str:
    first = int(np.flatnonzero(~np.isfinite(predictions))[0])
    missing = [name for name in contract.NAMES if rows[first].get(name) is None]
    lacking = f", which lacks {', '.join(missing)}" if missing else ""
    return f"the model's prediction is not a number for row {first}{lacking}"
