import json
import platform
import re
import zipfile

import numpy as np
import pytest

from diabetes_model import artefact, release, snapshots
from diabetes_model.manifest import Manifest
from diabetes_model.model import ArtefactError, Model, ModelError, matrix
from diabetes_model.training import Run, TrainingError
from diabetes_model.training import train as train_run

FILES = (
    "model.skops",
    "model.onnx",
    "holdout.json",
    "training.log",
    "log",
    "MLmodel",
    "requirements.txt",
)
COMMIT = "0a1b2c3" * 5 + "0a1b2"


def test_p7_two_runs_give_byte_identical_files_and_logs(good, train):
    again = train("v1", PYTHONHASHSEED="17", OMP_NUM_THREADS="2")
    for name in FILES:
        assert (again / name).read_bytes() == (good / name).read_bytes(), name
    manifests = [Manifest.read(path).document() for path in (good, again)]
    assert all(manifest.pop("timing")["seconds"] > 0 for manifest in manifests)
    assert manifests[0] == manifests[1]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names of x86-64 features")
def test_p7_a_processor_with_fewer_features_gives_the_same_artefacts(good, train):
    other = train("v1", NPY_DISABLE_CPU_FEATURES="AVX2 FMA3 AVX512F AVX512_SKX")
    for name in ("model.skops", "model.onnx", "holdout.json", "request.json"):
        assert (other / name).read_bytes() == (good / name).read_bytes(), name
    manifests = [Manifest.read(path) for path in (good, other)]
    assert manifests[0].golden == manifests[1].golden
    assert "AVX2" in manifests[1].environment["NPY_DISABLE_CPU_FEATURES"]


def test_progress_goes_to_stderr_and_the_log_to_a_file_too(good):
    assert (good / "training.log").read_bytes() == (good / "log").read_bytes()
    stages = (good / "progress").read_text().splitlines()
    assert all(re.fullmatch(r"train: +\d+\.\d\d s  \S.*", line) for line in stages), stages
    assert len(stages) == 6


def test_without_a_release_file_a_seed_is_needed(cli, snapshot_file, tmp_path):
    done = cli("train", "--snapshot", snapshot_file("v1"), "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr == "train: without --release a --seed is needed\n"


def test_p7_another_seed_is_another_model(good, train):
    other = train("v1", "--seed", "7")
    assert (other / "model.skops").read_bytes() != (good / "model.skops").read_bytes()
    assert Manifest.read(other).seed == 7


def test_the_manifest_says_what_the_model_was_made_from(good, root):
    manifest = Manifest.read(good)
    chosen = release.read(root / "releases/v1.toml")
    assert (manifest.image.tag, manifest.image.commit, manifest.seed) == ("v1-test", COMMIT, 42)
    assert (manifest.feature_snapshot.id, manifest.feature_snapshot.sha256) == (
        "2026-11-01",
        chosen.sha256,
    )
    assert manifest.steps == ("impute", "scale", "ridge")
    assert manifest.metrics["holdout"]["r2"] > 0.3
    assert manifest.environment["PYTHONHASHSEED"] == "0"
    assert set(manifest.libraries) >= {"scikit-learn", "numpy", "onnxruntime"}


def test_the_log_shows_the_golden_predictions(good):
    shown = [
        float(v)
        for v in re.findall(r"^golden \d+: (.*)$", (good / "log").read_text(), re.MULTILINE)
    ]
    assert shown == [golden.predictions[0] for golden in Manifest.read(good).golden]


def test_the_served_graph_agrees_with_the_saved_pipeline(good):
    rows = [golden.request.rows[0] for golden in Manifest.read(good).golden]
    pipeline = artefact.load(good / "model.skops")
    expected = pipeline.predict(matrix(rows))
    assert Model.load(good).predict(rows) == pytest.approx(expected.tolist(), abs=1e-9)


def test_an_artefact_with_a_type_that_is_not_trusted_is_refused(good, tmp_path):
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(good / "model.skops") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "schema.json":
                content = content.replace(b'"_ridge"', b'"_evil"').replace(b'"Ridge"', b'"Evil"')
            target.writestr(name, content)
    with pytest.raises(ValueError, match=r"untrusted types: .*Evil"):
        artefact.load(path)


def test_a_graph_that_is_not_the_manifests_is_refused(good, bad, tmp_path):
    for name in (*FILES, "manifest.json"):
        (tmp_path / name).write_bytes((good / name).read_bytes())
    (tmp_path / "model.onnx").write_bytes((bad / "model.onnx").read_bytes())
    with pytest.raises(ArtefactError, match="its manifest says otherwise"):
        Model.load(tmp_path)


def test_other_golden_predictions_are_refused(good, tmp_path):
    for name in (*FILES, "manifest.json"):
        (tmp_path / name).write_bytes((good / name).read_bytes())
    document = json.loads((good / "manifest.json").read_text())
    document["golden"][1]["predictions"][0] += 0.001
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(ArtefactError, match="golden request 1"):
        Model.load(tmp_path)


def test_the_bad_release_is_bad_because_its_training_dropped_the_imputer(good, bad):
    row = dict(Manifest.read(good).golden[0].request.rows[0])
    complete = {name: 100.0 if value is None else value for name, value in row.items()}
    assert Manifest.read(bad).steps == ("scale", "ridge")
    assert (
        abs(
            Manifest.read(bad).metrics["holdout"]["r2"]
            - Manifest.read(good).metrics["holdout"]["r2"]
        )
        < 0.05
    )
    assert np.isfinite(Model.load(bad).predict([complete])).all()
    assert np.isfinite(Model.load(good).predict([complete | {"bp": None}])).all()
    with pytest.raises(ModelError, match="row 1, which lacks bp"):
        Model.load(bad).predict([complete, complete | {"bp": None}])


def test_a_snapshot_with_gaps_cannot_be_trained_without_the_imputer(root, snapshot_file, tmp_path):
    chosen = release.read(root / "releases/v2.toml")
    run = Run(snapshots.read(snapshot_file("v1")), 1, chosen.hyperparameters)
    with pytest.raises(TrainingError, match="NaN"):
        train_run(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_training_on_another_snapshot_than_the_release_names_fails(
    cli, root, snapshot_file, tmp_path
):
    files = ("--release", root / "releases/v1.toml", "--snapshot", snapshot_file("v3"))
    done = cli("train", *files, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "sha256 is" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_holdout_rows_are_the_same_for_all_releases_and_complete(good, bad):
    rows = [json.loads((path / "holdout.json").read_text())["rows"] for path in (good, bad)]
    assert len(rows[1]) == 86
    assert all(row in rows[1] for row in rows[0])
    assert all(value is not None for row in rows[0] for value in row.values())
