"""The lines of the training log: what went in, and what came out, to the last digit."""

import numpy as np

from diabetes_model import contract, environment
from diabetes_model.manifest import GroupGap, Manifest
from diabetes_model.training.log import TrainingLog
from diabetes_model.training.task import Run


def announce(run: Run, log: TrainingLog) -> None:
    """What the run is made from."""
    missing = np.isnan(run.snapshot.features).sum(axis=0)
    gaps = {n: int(m) for n, m in zip(contract.NAMES, missing, strict=True) if m}
    log.say(f"snapshot {run.snapshot.id} sha256 {run.snapshot.sha256}")
    log.say(f"data contract sha256 {run.snapshot.schema_sha256}")
    log.say(f"rows {len(run.snapshot.row_ids)}, missing values {gaps or 'none'}")
    log.say(f"seed {run.seed}, hyperparameters {run.choices()}")
    log.say(f"environment {environment.numeric_environment()}")
    log.say(f"libraries {environment.library_versions()}")


def results(manifest: Manifest, log: TrainingLog) -> None:
    """What the run claims, and loudly what is out of bounds."""
    for part, scores in manifest.metrics.items():
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
        log.say(f"{part}: {manifest.rows[part]} rows, {numbers}")
    for gap in manifest.bias:
        log.say(_bias_line(gap))
    for number, golden in enumerate(manifest.golden):
        log.say(f"golden {number}: {', '.join(map(repr, golden.predictions))}")
    for name, digest in manifest.artefacts.items():
        log.say(f"{name} sha256 {digest}")
    breached = [gap for gap in manifest.bias if gap.breached]
    if breached:
        names = ", ".join(f"{gap.metric} by {gap.by}" for gap in breached)
        log.say(f"WARNING: OUT OF BOUNDS: {names}: this model must get no traffic")


def _bias_line(gap: GroupGap) -> str:
    groups = ", ".join(
        f"{gap.by} {name} {group.value:.4f} ({group.rows} rows)"
        for name, group in gap.groups.items()
    )
    verdict = "OUT OF BOUNDS" if gap.breached else "within bounds"
    numbers = f"{groups}: gap {gap.gap:.4f}, at most {gap.max:g}"
    return f"bias of {gap.part}, {gap.metric}: {numbers}: {verdict}"
