"""The steps of one run: check the image, recompute its baseline, compare recent traffic, report."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from diabetes_model import contract, release, snapshots
from diabetes_model.drift import baseline, publish, recent, report, verdict
from diabetes_model.drift.baseline import Baseline
from diabetes_model.drift.patience import patiently
from diabetes_model.drift.recent import Recent
from diabetes_model.drift.report import Context
from diabetes_model.drift.result import Result
from diabetes_model.drift.settings import Settings
from diabetes_model.drift.verdict import Explained
from diabetes_model.model import Model
from diabetes_model.snapshots import Recipe, Snapshot

Say = Callable[[str], None]
RELEASES = Path(release.__file__).parents[1] / "releases"


@dataclass(frozen=True, slots=True)
class Subject:
    """The model of this image, and what it answers to the snapshot it was trained on."""

    model: Model
    stated: Baseline
    snapshot: Snapshot
    trained: Explained


def run(settings: Settings, say: Say) -> Result:
    """One run.

    Raises:
        ValueError, RuntimeError, OSError: with one sentence; nothing is known about drift then.
    """
    subject = _subject(settings, say)
    difference = subject.stated.difference(Baseline.of(subject.trained))
    result = Result(settings.limit, difference=difference)
    if not result.reproduced:
        return replace(result, failed=True, note=_not_reproduced(difference))
    say(f"baseline reproduced to {difference:.1e}")
    traffic = recent.read(settings.recent, settings.server, pause=settings.pause)
    say(f"recent traffic: {len(traffic.rows)} rows from {traffic.source}")
    return _compared(settings, subject, traffic, result, say)


def _subject(settings: Settings, say: Say) -> Subject:
    model = Model.load(settings.model_directory)
    manifest = model.manifest
    baseline.check_claims(manifest, settings.claims)
    stated = Baseline.stated(manifest.explanation_baseline)
    say(f"model {manifest.image.tag} loaded, golden predictions reproduced")
    snapshot = _snapshot(settings, manifest.feature_snapshot.sha256)
    trained, _ = baseline.explain(model, snapshot.features)
    say(f"snapshot {snapshot.id}: {len(snapshot.row_ids)} rows, sha256 {snapshot.sha256}")
    return Subject(model, stated, snapshot, trained)


def _snapshot(settings: Settings, sha256: str) -> Snapshot:
    """The snapshot that the manifest names, wherever it comes from."""
    if settings.sha256 not in {None, sha256}:
        raise baseline.BaselineError(
            f"deployed with feature snapshot sha256 {settings.sha256}, trained with {sha256}"
        )
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "features.parquet"
        uri = settings.snapshot
        if uri is None:
            snapshots.create(_recipe(sha256), path)
        else:
            patiently(lambda: snapshots.fetch(uri, path, sha256=sha256), uri, pause=settings.pause)
        return snapshots.read(path, sha256=sha256)


def _recipe(sha256: str) -> Recipe:
    """The recipe beside this code that gives the snapshot with this hash."""
    releases = (release.read(path) for path in sorted(RELEASES.glob("*.toml")))
    for known in releases:
        if known.sha256 == sha256:
            return known.recipe
    raise baseline.BaselineError(
        f"no feature snapshot is named (--snapshot), and no release makes the one with {sha256}"
    )


def _not_reproduced(difference: float) -> str:
    return f"the baseline of the manifest is not reproduced: differs by {difference:.3g}"


def _compared(
    settings: Settings, subject: Subject, traffic: Recent, result: Result, say: Say
) -> Result:
    now, unanswered = baseline.explain(subject.model, traffic.rows)
    if not len(now.scores):
        reason = traffic.absence or f"the model has no answer to any of {unanswered} rows"
        return replace(result, note=f"nothing to compare: {reason} ({traffic.source})")
    found = verdict.compare(
        contract.NAMES,
        subject.stated.shares,
        trained=subject.trained.scores,
        recent=now,
        limit=settings.limit,
    )
    note = f"{unanswered} rows left out, the model has no answer to them" if unanswered else ""
    result = replace(result, found=found, note=note)
    say(f"{result.verdict.value}: {result.message}")
    if settings.report is not None:
        context = _context(settings, subject, traffic, now)
        place = publish.publish(
            settings.report, _run_name(context), report.files(result, found, context)
        )
        say(f"report in {place}")
    return result


def _context(settings: Settings, subject: Subject, traffic: Recent, now: Explained) -> Context:
    manifest = subject.model.manifest
    return Context(
        identity={
            "model": manifest.model,
            "revision": settings.revision,
            "tag": manifest.image.tag,
        },
        origin={
            "feature snapshot": f"{subject.snapshot.id}, sha256 {subject.snapshot.sha256}",
            "seed": str(manifest.seed),
            "commit": manifest.image.commit,
            "recent traffic": traffic.source,
            "written at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        trained=subject.trained.scores,
        recent=now.scores,
    )


def _run_name(context: Context) -> str:
    """Nobody's report is overwritten: model, tag and the second."""
    second = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return f"{context.identity['model']}/{context.identity['tag']}/{second}"
