import functools
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "sample_model"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def cli() -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "diabetes_model", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment},
            timeout=120,
        )

    return run


@pytest.fixture(scope="session")
def snapshot_file(tmp_path_factory, cli) -> Callable[[str], Path]:
    directory = tmp_path_factory.mktemp("snapshots")

    def make(release: str) -> Path:
        path = directory / f"{release}.parquet"
        if not path.exists():
            options = ("--release", ROOT / f"releases/{release}.toml", "--out", path)
            done = cli("snapshot", "create", *options)
            assert done.returncode == 0, done.stderr
        return path

    return make


@pytest.fixture(scope="session")
def train(tmp_path_factory, cli, snapshot_file) -> Callable[..., Path]:
    def run(release: str, *options: object, **environment: str) -> Path:
        out = tmp_path_factory.mktemp(f"artefact-{release}")
        done = cli(
            "train",
            *("--release", ROOT / f"releases/{release}.toml"),
            *("--snapshot", snapshot_file(release)),
            *("--out", out, "--tag", f"{release}-test", "--commit", "0a1b2c3" * 5 + "0a1b2"),
            *options,
            **environment,
        )
        assert done.returncode == 0, done.stderr
        (out / "log").write_text(done.stdout)
        (out / "progress").write_text(done.stderr)
        return out

    return run


@pytest.fixture(scope="session")
def trained(train) -> Callable[[str], Path]:
    return functools.cache(train)


@pytest.fixture(scope="session")
def good(trained) -> Path:
    return trained("v1")


@pytest.fixture(scope="session")
def bad(trained) -> Path:
    return trained("v2")


@pytest.fixture(scope="session")
def unfair(trained) -> Path:
    return trained("unfair")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
