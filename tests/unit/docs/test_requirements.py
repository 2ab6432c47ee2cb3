"""What is installed before uv.lock can be read is pinned by checksum, and nothing else is installed."""

import re
import tomllib

import pytest
from tests.support.documents import ROOT, text

from localcluster.versions import pinned_wheel

REQUIREMENTS = ROOT / "requirements"


@pytest.mark.parametrize("name", ["uv", "kubectl", "go"])
def test_each_program_has_a_version_and_checksums(name):
    assert re.fullmatch(r"[\w-]+==[\d.]+", pinned_wheel(text(REQUIREMENTS / f"{name}.txt")))


def test_uv_installs_itself_in_the_same_version():
    lock = tomllib.loads(text(ROOT / "uv.lock"))
    (uv,) = (package for package in lock["package"] if package["name"] == "uv")
    assert pinned_wheel(text(REQUIREMENTS / "uv.txt")) == f"uv=={uv['version']}"
    wanted = set(re.findall(r"sha256:[0-9a-f]{64}", text(REQUIREMENTS / "uv.txt")))
    assert wanted >= {wheel["hash"] for wheel in uv["wheels"]}


@pytest.mark.parametrize("path", ["Makefile", "Dockerfile", "sample_model/Dockerfile"])
def test_whatever_pip_installs_has_checksums(path):
    commands = re.sub(r"\\\n", " ", text(ROOT / path)).splitlines()
    installs = [line for line in commands if re.search(r"\bpip(?:3)? .*\binstall\b", line)]
    assert installs
    assert all("--require-hashes" in line for line in installs), installs


def test_images_are_named_by_digest():
    for path in ("Dockerfile", "sample_model/Dockerfile"):
        for base in re.findall(r"^ARG BASE_IMAGE=(\S+)", text(ROOT / path), re.MULTILINE):
            assert re.search(r"@sha256:[0-9a-f]{64}$", base), (path, base)


def test_actions_are_named_by_commit():
    for workflow in sorted((ROOT / ".github/workflows").glob("*.yaml")):
        actions = re.findall(r"uses: (\S+)", text(workflow))
        assert all(re.search(r"@[0-9a-f]{40}$", action) for action in actions), workflow.name
