"""Training in the image and beside it gives the same bytes."""

import json
import sys
import tarfile
from io import BytesIO

import pytest
from tests.images.conftest import HARDENED, SAMPLE, run

from packing.plan import Kind

RELEASE = "releases/v1.toml"
SNAPSHOT = "features.parquet"
# What a manifest says of the run and not of the model.
OF_THE_RUN = ("timing", "machine")
SCRIPT = f"""
set -e
python -m diabetes_model snapshot create --release {RELEASE} --out /tmp/{SNAPSHOT} >&2
python -m diabetes_model train --release {RELEASE} --snapshot /tmp/{SNAPSHOT} --out /tmp/out >&2
mv /tmp/{SNAPSHOT} /tmp/out
tar -C /tmp/out -c .
"""


@pytest.fixture(scope="module")
def in_the_image(images):
    """Every file that a run in the training image writes, by name."""
    shell = ("--entrypoint", "sh", images.name(Kind.TRAINING), "-c", SCRIPT)
    done = run("docker", "run", *HARDENED, "--network", "none", *shell)
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        files = [member for member in archive.getmembers() if member.isfile()]
        return {
            member.name.removeprefix("./"): archive.extractfile(member).read() for member in files
        }


@pytest.fixture(scope="module")
def on_the_host(tmp_path_factory):
    """Every file that a run in this environment writes, by name."""
    out = tmp_path_factory.mktemp("out")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(SAMPLE)}
    for words in (
        ("snapshot", "create", "--out", out / SNAPSHOT),
        ("train", "--snapshot", out / SNAPSHOT, "--out", out),
    ):
        command = [sys.executable, "-m", "diabetes_model", *words, "--release", SAMPLE / RELEASE]
        run(*command, env=environment)
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def test_both_runs_write_the_same_files(in_the_image, on_the_host):
    assert sorted(in_the_image) == sorted(on_the_host)
    assert {"model.onnx", "model.skops", "training.log", SNAPSHOT} <= in_the_image.keys()


@pytest.mark.parametrize(
    "name", [SNAPSHOT, "model.onnx", "model.skops", "training.log", "holdout.json", "MLmodel"]
)
def test_a_run_in_the_image_writes_the_same_bytes(in_the_image, on_the_host, name):
    assert in_the_image[name] == on_the_host[name]


def test_the_manifests_claim_the_same(in_the_image, on_the_host):
    both = [json.loads(files["manifest.json"]) for files in (in_the_image, on_the_host)]
    for manifest in both:
        for part in OF_THE_RUN:
            manifest.pop(part, None)
    assert both[0] == both[1]


def test_the_image_ships_the_model_that_it_trains(images, in_the_image):
    for name in ("model.onnx", "model.skops"):
        assert images.file(Kind.SERVING, f"/app/model/{name}") == in_the_image[name]


def test_a_snapshot_that_is_not_there_is_one_line(train_command):
    done = train_command(
        "train", "--snapshot", "/nowhere.parquet", "--seed", "1", "--out", "/tmp/x"
    )
    assert done.returncode == 1
    assert b"nowhere.parquet" in done.stderr
    assert b"Traceback" not in done.stderr
