"""A real registry (CNCF distribution), built by the project's own recipe and started as a process."""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from tests.support.signing import OCI_MANIFEST, digest_of, image

from localcluster import gobuild
from localcluster.cache import Store
from localcluster.paths import artifacts_dir
from localcluster.progress import Progress

START_SECONDS = 20.0
LOOPBACK = "127.0.0.1"


class Registry:
    """Pushes by hand what clients would push.

    Args:
        host: address and port.
    """

    def __init__(self, host: str) -> None:
        self.host = host

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

    def move(self, name: str, tag: str, *, to: str) -> str:
        """Let a tag point to what another one points to; answers with the digest of that."""
        types = f"{OCI_MANIFEST}, application/vnd.docker.distribution.manifest.v2+json"
        url = f"http://{self.host}/v2/{name}/manifests/{to}"
        answer = requests.get(url, headers={"Accept": types}, timeout=10)
        answer.raise_for_status()
        return self.push(name, tag, answer.content, answer.headers["Content-Type"])


def program() -> Path:
    """The program, from the cache or compiled now."""
    progress = Progress()
    go = gobuild.toolchain(Store(artifacts_dir()), progress=progress)
    return gobuild.ensure(gobuild.REGISTRY, go=go, progress=progress) / "registry"


@contextlib.contextmanager
def running(folder: Path, address: str = LOOPBACK) -> Iterator[Registry]:
    """A registry on a free port of an address; several may share a folder with their data."""
    host = f"{address}:{_free_port(address)}"
    settings = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host},
    }
    config, log = folder / f"{address}.yml", folder / f"{address}.log"
    config.write_text(json.dumps(settings), encoding="utf-8")  # YAML can read JSON
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen([program(), "serve", config], stdout=output, stderr=output)
    try:
        _wait_until_up(f"http://{host}/v2/", log)
        yield Registry(host)
    finally:
        process.terminate()
        process.wait(10)


def _free_port(address: str) -> int:
    with socket.create_server((address, 0)) as free:
        return int(free.getsockname()[1])


def _wait_until_up(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError(f"the registry does not answer: {log.read_text(encoding='utf-8')}")
