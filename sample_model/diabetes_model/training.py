"""Training: a snapshot, a seed and hyperparameters in; artefact, graph, manifest and rows out."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from diabetes_model import artefact, contract, environment, export, model
from diabetes_model.manifest import Golden, Manifest
from diabetes_model.release import Hyperparameters, Impute
from diabetes_model.snapshots import Snapshot, hash_ranked

MODEL_NAME = "diabetes-risk"
PIPELINE_FILE = "model.skops"
HOLDOUT_FILE = "holdout.json"
HOLDOUT_SHARE = 0.2
VALIDATION_SHARE = 0.15
GOLDEN_ROWS = 5
PARITY = 1e-9

Say = Callable[[str], None]
Indices = npt.NDArray[np.int64]


class TrainingError(RuntimeError):
    """No model can be made of this input."""


@dataclass(frozen=True, slots=True)
class Run:
    """One training run. ``tag`` and ``commit`` are what the image will be called and come from."""

    snapshot: Snapshot
    seed: int
    hyperparameters: Hyperparameters
    tag: str
    commit: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Row positions: held out for good, and the seed's division of the rest."""

    train: Indices
    validation: Indices
    holdout: Indices


def train(run: Run, out: Path, say: Say = print) -> Manifest:
    """Trains and writes everything to ``out``; the same run writes the same bytes.

    Raises:
        TrainingError: the pipeline cannot be fitted, or the graph differs from it.
    """
    _announce(run, say)
    parts = divide(run.snapshot, run.seed)
    pipeline = _fit(run, parts, say)
    graph = export.to_onnx(pipeline)
    predictions = _checked_predictions(pipeline, graph, run.snapshot.features)
    out.mkdir(parents=True, exist_ok=True)
    artefact.save(pipeline, out / PIPELINE_FILE)
    artefact.load(out / PIPELINE_FILE)
    (out / model.MODEL_FILE).write_bytes(graph)
    _write_holdout(run.snapshot, parts, out / HOLDOUT_FILE)
    manifest = _manifest(run, parts, pipeline, predictions, out)
    manifest.write(out)
    _report(manifest, say)
    return manifest


def divide(snapshot: Snapshot, seed: int) -> Parts:
    """The held-out rows depend on nothing but their number, so that every release is judged alike."""
    rows = len(snapshot.row_ids)
    holdout = np.sort(np.array(hash_ranked("holdout", rows)[: round(rows * HOLDOUT_SHARE)]))
    rest = np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(rows), holdout))
    first = round(len(rest) * VALIDATION_SHARE)
    return Parts(train=np.sort(rest[first:]), validation=np.sort(rest[:first]), holdout=holdout)


def untrained(hyperparameters: Hyperparameters) -> Pipeline:
    """The pipeline these hyperparameters ask for."""
    steps: list[tuple[str, object]] = []
    if hyperparameters.impute is not Impute.NONE:
        steps.append(("impute", SimpleImputer(strategy=hyperparameters.impute.value)))
    steps.append(("scale", StandardScaler()))
    steps.append(("ridge", Ridge(alpha=hyperparameters.alpha, solver="cholesky")))
    return Pipeline(steps)


def _announce(run: Run, say: Say) -> None:
    missing = np.isnan(run.snapshot.features).sum(axis=0)
    gaps = {n: int(m) for n, m in zip(contract.NAMES, missing, strict=True) if m}
    say(f"snapshot {run.snapshot.id} sha256 {run.snapshot.sha256}")
    say(f"rows {len(run.snapshot.row_ids)}, missing values {gaps or 'none'}")
    say(f"seed {run.seed}, hyperparameters {_plain(run.hyperparameters)}")
    say(f"environment {environment.numeric_environment()}")
    say(f"libraries {environment.library_versions()}")


def _fit(run: Run, parts: Parts, say: Say) -> Pipeline:
    pipeline = untrained(run.hyperparameters)
    say(f"fitting {' > '.join(pipeline.named_steps)} on {len(parts.train)} rows")
    try:
        return pipeline.fit(run.snapshot.features[parts.train], run.snapshot.target[parts.train])
    except ValueError as error:
        raise TrainingError(f"cannot fit: {str(error).splitlines()[0]}") from error


def _checked_predictions(
    pipeline: Pipeline, graph: bytes, features: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """What the graph answers to every row of the snapshot, once it agrees with the pipeline."""
    answered: npt.NDArray[np.float64] = model.session(graph).run(None, {"features": features})[0]
    difference = float(np.abs(answered - pipeline.predict(features)).max())
    if not difference <= PARITY:
        raise TrainingError(f"the graph differs from the pipeline by {difference}")
    return answered


def _write_holdout(snapshot: Snapshot, parts: Parts, path: Path) -> None:
    complete = [i for i in parts.holdout if not np.isnan(snapshot.features[i]).any()]
    rows = [_row(snapshot, position) for position in complete]
    document = {"optional": list(contract.OPTIONAL), "rows": rows}
    path.write_text(json.dumps(document) + "\n")


def _manifest(
    run: Run,
    parts: Parts,
    pipeline: Pipeline,
    predictions: npt.NDArray[np.float64],
    out: Path,
) -> Manifest:
    positions = {"train": parts.train, "validation": parts.validation, "holdout": parts.holdout}
    return Manifest(
        model=MODEL_NAME,
        tag=run.tag,
        commit=run.commit,
        snapshot_id=run.snapshot.id,
        snapshot_sha256=run.snapshot.sha256,
        seed=run.seed,
        hyperparameters=_plain(run.hyperparameters),
        steps=tuple(pipeline.named_steps),
        libraries=environment.library_versions(),
        environment=environment.numeric_environment(),
        rows={part: len(at) for part, at in positions.items()},
        metrics={
            p: _scores(run.snapshot.target[at], predictions[at]) for p, at in positions.items()
        },
        baseline=float(pipeline.named_steps["ridge"].intercept_),
        artefacts={name: _sha256(out / name) for name in (PIPELINE_FILE, model.MODEL_FILE)},
        golden=_golden(run.snapshot, parts, predictions),
    )


def _golden(
    snapshot: Snapshot, parts: Parts, predictions: npt.NDArray[np.float64]
) -> tuple[Golden, ...]:
    gaps = [i for i in parts.holdout if np.isnan(snapshot.features[i]).any()]
    chosen = [*parts.holdout[:GOLDEN_ROWS], *gaps[:1]]
    return tuple(Golden(_row(snapshot, i), float(predictions[i])) for i in dict.fromkeys(chosen))


def _row(snapshot: Snapshot, position: int) -> dict[str, float | None]:
    values = snapshot.features[position].tolist()
    return {n: None if math.isnan(v) else v for n, v in zip(contract.NAMES, values, strict=True)}


def _scores(truth: npt.NDArray[np.float64], guess: npt.NDArray[np.float64]) -> dict[str, float]:
    return {
        "mae": float(mean_absolute_error(truth, guess)),
        "r2": float(r2_score(truth, guess)),
        "rmse": float(root_mean_squared_error(truth, guess)),
    }


def _plain(hyperparameters: Hyperparameters) -> Mapping[str, str | float]:
    return {"impute": hyperparameters.impute.value, "alpha": hyperparameters.alpha}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _report(manifest: Manifest, say: Say) -> None:
    for part, scores in manifest.metrics.items():
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
        say(f"{part}: {manifest.rows[part]} rows, {numbers}")
    for number, golden in enumerate(manifest.golden):
        say(f"golden {number}: {golden.prediction!r}")
    for name, digest in manifest.artefacts.items():
        say(f"{name} sha256 {digest}")
