"""A real registry (CNCF distribution), built by the project's own recipe and started as a process."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.support.signing import OCI_MANIFEST, digest_of, image

from localcluster import gobuild
from localcluster.cache import Store
from localcluster.paths import artifacts_dir
from localcluster.progress import Progress

BUILD_SECONDS = 900
START_SECONDS = 20


class Registry:
    """Pushes by hand what clients would push.

    Args:
        port: where it listens on loopback.
    """

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"

    def upload(self, name: str, content: bytes) -> None:
        """Put a blob."""
        begun = requests.post(f"http://{self.host}/v2/{name}/blobs/uploads/", timeout=10)
        begun.raise_for_status()
        put = requests.put(
            begun.headers["Location"],
            params={"digest": digest_of(content)},
            data=content,
            headers={"Content-Type": "application/octet-stream"},
            timeout=10,
        )
        assert put.status_code == 201, put.text

    def push(self, name: str, tag: str, manifest: bytes, media_type: str = OCI_MANIFEST) -> str:
        """Put a manifest; answers with its digest."""
        put = requests.put(
            f"http://{self.host}/v2/{name}/manifests/{tag}",
            data=manifest,
            headers={"Content-Type": media_type},
            timeout=10,
        )
        assert put.status_code == 201, put.text
        return digest_of(manifest)

    def push_image(self, name: str, tag: str, content: str) -> str:
        """Put a tiny image, different for each content."""
        config: dict[str, Any] = {"architecture": "amd64", "os": "linux", "comment": content}
        text = json.dumps(config).encode()
        self.upload(name, text)
        return self.push(name, tag, image(text))


@pytest.fixture(scope="session")
def binary() -> Path:
    """The program, from the cache or compiled now."""
    progress = Progress()
    go = gobuild.toolchain(Store(artifacts_dir()), progress=progress)
    return gobuild.ensure(gobuild.REGISTRY, go=go, progress=progress) / "registry"


@pytest.fixture(scope="session")
def registry(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("registry")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "config.yml").write_text(json.dumps(settings))  # YAML can read JSON
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([binary, "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/v2/", folder / "log")
        yield Registry(port)
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_up(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError(f"the registry does not answer: {log.read_text()}")
