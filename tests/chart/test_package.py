"""The chart of a release names the operator's image by digest, and renders."""

import subprocess
import sys

import pytest
import yaml
from tests.chart.conftest import CHART, REPOSITORY, find_helm

pytestmark = pytest.mark.chart
DIGEST = "sha256:" + "5" * 64


def package(folder, digest=DIGEST):
    command = [sys.executable, "charts/package.py", "--repository", "ghcr.io/owner/davylamp"]
    return subprocess.run(
        [*command, "--digest", digest, "--out", folder],
        cwd=REPOSITORY,
        env={"PATH": f"{find_helm().rpartition('/')[0]}:/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_packaged_chart_runs_the_image_of_its_release(tmp_path, helm):
    packaged = package(tmp_path)
    assert packaged.returncode == 0, packaged.stderr
    rendered = helm("template", "davylamp", packaged.stdout.strip())
    assert rendered.returncode == 0, rendered.stderr
    (operator,) = (d for d in yaml.safe_load_all(rendered.stdout) if d["kind"] == "Deployment")
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"ghcr.io/owner/davylamp@{DIGEST}"


def test_a_chart_without_a_digest_is_not_packaged(tmp_path):
    refused = package(tmp_path, digest="sha256:5")
    assert refused.returncode == 1
    assert refused.stderr == "package: 'sha256:5' is not sha256: and 64 hexadecimal digits\n"
    assert not list(tmp_path.glob("*.tgz"))


def test_chart_and_operator_have_one_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = (REPOSITORY / "pyproject.toml").read_text()
    assert f'\nversion = "{chart["version"]}"\n' in project
    assert chart["appVersion"] == chart["version"]
