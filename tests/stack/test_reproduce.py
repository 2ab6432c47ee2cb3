"""`make reproduce` as it is, and against a published record that is not true."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from reproduce.engine import LABEL

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def containers():
    """Ids of the containers that `reproduce` made, and has to remove."""

    def listed():
        command = ["docker", "ps", "--all", "--quiet", "--filter", f"label={LABEL}"]
        return set(subprocess.check_output(command, text=True).split())

    return listed


@pytest.fixture(scope="module")
def reproduced(shell, containers):
    before = containers()
    done = shell("make -s reproduce")
    assert containers() <= before
    return done


@pytest.fixture(scope="module")
def base_image(shell):
    return shell("PYTHONPATH=kind python3 -m localcluster base-image").stdout.strip()


@pytest.fixture
def against(root, base_image):
    def run(published):
        command = [sys.executable, "-m", "reproduce", "--published", str(published)]
        environment = {**os.environ, "PYTHONPATH": f"{root}/sample_model:{root}/operator"}
        return subprocess.run(
            [*command, "--base-image", base_image],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=840,
        )

    return run


def marked(done, mark):
    return re.findall(rf"^{mark} (.+?)(?:  |$)", done.stdout, re.MULTILINE)


def test_it_reproduces(reproduced):
    assert reproduced.returncode == 0, reproduced.stdout + reproduced.stderr
    assert reproduced.stdout.splitlines()[-1] == "reproduced"
    assert not marked(reproduced, "✗")


def test_every_artefact_is_compared_in_four_places(reproduced):
    rows = [line.split() for line in reproduced.stdout.splitlines()]
    for name in ("model.onnx", "model.skops", "training.log"):
        (hashes,) = [row[2:] for row in rows if row[:2] == ["✓", name]]
        assert len(hashes) == 4
        assert len(set(hashes)) == 1


def test_the_changes_are_refused_by_name(reproduced):
    assert re.search(
        r"one bit of the snapshot .*: sha256 is \w{64}, expected \w{64}", reproduced.stdout
    )
    assert re.search(
        r"another seed .*seed is 43, the spec says 42",
        reproduced.stdout,
    )
    assert re.search(
        r"another tag .*image.tag differs from the spec, which says v1-0{7}", reproduced.stdout
    )


def test_a_published_record_that_is_not_true_is_exit_code_one(against, root, tmp_path, containers):
    published = tmp_path / "published"
    shutil.copytree(root / "sample_model/published/v1", published)
    log, request = published / "training.log", published / "request.json"
    log.write_text(
        re.sub(r"(?m)^(model.skops sha256 ).", r"\g<1>x", log.read_text()).replace(
            "sha256 x", "sha256 0"
        )
    )
    asked = json.loads(request.read_text())
    asked["rows"][0]["bmi"] += 1
    request.write_text(json.dumps(asked))
    before = containers()
    done = against(published)
    assert done.returncode == 1, done.stdout + done.stderr
    assert marked(done, "✗") == ["model.skops", "training.log", "request.json"]
    assert done.stdout.splitlines()[-1] == "NOT reproduced: model.skops, training.log, request.json"
    assert containers() <= before
