"""The images of one release, built as everybody builds them, and containers that are gone afterwards."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from packing.plan import Kind

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_model"
BUILD_SECONDS = 1200
# As strict as a careful cluster: no capability, no new privilege, nothing to write to but /tmp.
HARDENED = (
    *("--rm", "--read-only", "--tmpfs", "/tmp:mode=1777", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--user", "65532:65532"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test waits for the build."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS))


@dataclass(frozen=True)
class Images:
    """Both images of a release."""

    release: str
    tag: str

    def name(self, kind: Kind) -> str:
        return f"{kind.repository}:{self.tag}"

    def labels(self, kind: Kind) -> dict[str, str]:
        told = docker("image", "inspect", "--format", "{{json .Config.Labels}}", self.name(kind))
        labels: dict[str, str] = json.loads(told)
        return labels

    def file(self, kind: Kind, path: str) -> bytes:
        """A file of an image, read without running it."""
        container = docker("create", self.name(kind)).strip()
        try:
            packed = run("docker", "cp", f"{container}:{path}", "-").stdout
        finally:
            docker("rm", container)
        with tarfile.open(fileobj=BytesIO(packed)) as archive:
            (member,) = archive.getmembers()
            found = archive.extractfile(member)
            assert found is not None
            return found.read()

    def manifest(self, kind: Kind) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file(kind, "/app/model/manifest.json"))
        return found


def run(
    *words: str | Path, check: bool = True, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(words, capture_output=True, check=False, **options)
    assert done.returncode == 0 or not check, f"{words}: {done.stderr.decode()}"
    return done


def docker(*words: str) -> str:
    return run("docker", *words).stdout.decode()


@pytest.fixture(scope="session")
def images() -> Images:
    """v1, which `make install` and CI have built before; else it is built now."""
    paths = {**os.environ, "PYTHONPATH": str(ROOT / "kind")}
    told = run(sys.executable, "-m", "localcluster", "base-image", cwd=ROOT, env=paths)
    base = told.stdout.decode().strip()
    built = run(sys.executable, SAMPLE / "build.py", "--base-image", base, "v1")
    release, _, tag = built.stdout.decode().strip().partition("=")
    return Images(release, tag)


@pytest.fixture
def serve(images: Images) -> Iterator[Callable[..., str]]:
    """Starts the serving image with these variables; its URL."""
    started: list[str] = []

    def start(**environment: str) -> str:
        variables = [
            part for name, value in environment.items() for part in ("--env", f"{name}={value}")
        ]
        options = (*HARDENED, "--publish", "127.0.0.1::8080", *variables)
        container = docker("run", "--detach", *options, images.name(Kind.SERVING)).strip()
        started.append(container)
        return f"http://{docker('port', container, '8080').splitlines()[0]}"

    yield start
    for container in started:
        docker("rm", "--force", container)


@pytest.fixture
def train_command(images: Images) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs the training image as it is meant to be run; the arguments are those of its entry point."""

    def command(*words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[bytes]:
        image = images.name(Kind.TRAINING)
        return run("docker", "run", *HARDENED, *options, image, *words, check=False)

    return command
