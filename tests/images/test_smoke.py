"""The smoke tests of CI, against a container that may write nothing."""

import subprocess
import sys

from tests.images.conftest import SAMPLE

from packing.plan import Kind
from smoke import CHECKS


def smoke(url, *options):
    command = [sys.executable, SAMPLE / "smoke.py", url, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_server_passes_every_check(images, serve):
    done = smoke(serve(), "--image", images.name(Kind.SERVING))
    assert done.returncode == 0, done.stdout
    passed = [line for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert len(passed) == len(CHECKS)


def test_a_prediction_that_is_off_is_caught(serve):
    done = smoke(serve(FAULT_PREDICTION_SHIFT="0.001"))
    assert done.returncode == 1
    assert "FAILED predictions are golden" in done.stdout
    assert "training said" in done.stdout


def test_an_explanation_that_does_not_add_up_is_caught(serve):
    done = smoke(serve(FAULT_EXPLANATION_SHIFT="0.5"))
    assert done.returncode == 1
    assert "FAILED explanations add up" in done.stdout


def test_another_tag_than_the_manifests_is_caught(serve):
    done = smoke(serve(DAVYLAMP_IMAGE_TAG="v9-0000000"))
    assert done.returncode == 1
    assert "FAILED answers say who: SmokeError: X-Model-Tag is v9-0000000" in done.stdout


def test_a_server_that_is_never_ready_is_not_waited_for_in_vain(serve):
    done = smoke(serve(FAULT_NEVER_READY="true"), "--wait", "1")
    assert done.returncode == 1
    assert "not within 1 s" in done.stdout
