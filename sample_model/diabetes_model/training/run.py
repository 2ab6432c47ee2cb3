"""One training run: from the snapshot to the files, the same bytes for the same input."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from diabetes_model import artefact, contract, export, model
from diabetes_model.manifest import Manifest
from diabetes_model.training import mlmodel, record, report
from diabetes_model.training.answers import Answers
from diabetes_model.training.log import TrainingLog
from diabetes_model.training.parts import Parts, divide
from diabetes_model.training.pipeline import fit, untrained
from diabetes_model.training.record import Claims, Trained
from diabetes_model.training.task import Run

PIPELINE_FILE = "model.skops"
HOLDOUT_FILE = "holdout.json"
LOG_FILE = "training.log"
REQUEST_FILE = "request.json"


def train(run: Run, out: Path, log: TrainingLog | None = None) -> Manifest:
    """Trains and writes everything to ``out``; the same run writes the same bytes, but for timing.

    Raises:
        TrainingError: the pipeline cannot be fitted, or the graph differs from it.
    """
    log, started = log or TrainingLog(), datetime.now(UTC)
    log.begin()
    report.announce(run, log)
    parts = divide(run.snapshot, run.seed)
    pipeline = _fitted(run, parts, log)
    log.stage("exporting the graph, comparing it with the pipeline on every row")
    graph = export.to_onnx(pipeline)
    answers = Answers.of(graph, pipeline, run.snapshot.features)
    log.stage("measuring, overall and by group")
    trained = Trained(run, parts, tuple(pipeline.named_steps), answers)
    claims = Claims.of(trained)
    log.stage(f"writing to {out}")
    out.mkdir(parents=True, exist_ok=True)
    artefacts = _write_model(pipeline, graph, out)
    _write_holdout(run, parts, out / HOLDOUT_FILE)
    timing = record.timing(started, log.seconds())
    manifest = record.manifest(trained, claims, artefacts=artefacts, timing=timing)
    _write_record(manifest, log, out)
    return manifest


def _fitted(run: Run, parts: Parts, log: TrainingLog) -> Pipeline:
    pipeline = untrained(run.hyperparameters, run.seed)
    what = f"fitting {' > '.join(pipeline.named_steps)} on {len(parts.train)} rows"
    log.stage(what)
    log.say(what)
    return fit(pipeline, run.snapshot.features[parts.train], run.snapshot.target[parts.train])


def _write_model(pipeline: Pipeline, graph: bytes, out: Path) -> Mapping[str, str]:
    """Writes both forms, and reads the pipeline back with the list of trusted types."""
    artefact.save(pipeline, out / PIPELINE_FILE)
    artefact.load(out / PIPELINE_FILE)
    (out / model.MODEL_FILE).write_bytes(graph)
    names = (PIPELINE_FILE, model.MODEL_FILE)
    return {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in names}


def _write_holdout(run: Run, parts: Parts, path: Path) -> None:
    complete = [int(i) for i in parts.holdout if not np.isnan(run.snapshot.features[i]).any()]
    document = {"optional": list(contract.OPTIONAL), "rows": [run.row(i) for i in complete]}
    path.write_text(json.dumps(document) + "\n")


def _write_request(manifest: Manifest, path: Path) -> None:
    """The first golden request by itself: a body to send, whose answer the log shows."""
    request = manifest.document()["golden"][0]["request"]
    path.write_text(json.dumps(request) + "\n")


def _write_record(manifest: Manifest, log: TrainingLog, out: Path) -> None:
    """The manifest comes last: where it is, everything is."""
    mlmodel.write(manifest, out)
    report.results(manifest, log)
    log.write(out / LOG_FILE)
    _write_request(manifest, out / REQUEST_FILE)
    manifest.write(out)
    log.stage(f"done: {len(manifest.golden)} golden requests in {out}")
