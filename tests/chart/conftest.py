"""The chart as Helm renders it, as Python values."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "charts" / "davylamp"
RELEASE, NAMESPACE = "davylamp", "davylamp-system"
MONITORING = "--api-versions=monitoring.coreos.com/v1"

Document = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The documents of one rendering."""

    documents: tuple[Document, ...]

    def of(self, kind: str) -> list[Document]:
        return [document for document in self.documents if document["kind"] == kind]

    def one(self, kind: str, name: str | None = None) -> Document:
        found = [d for d in self.of(kind) if name is None or d["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name or ''}"
        return found[0]

    def pod_specs(self) -> list[Document]:
        deployments = [d["spec"]["template"]["spec"] for d in self.of("Deployment")]
        return deployments + [d["spec"] for d in self.of("Pod")]


def find_helm() -> str:
    """Path of helm: on PATH, else where `make cluster` puts it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = shutil.which("helm") or shutil.which("helm", path=str(cache / "davylamp" / "bin"))
    assert found, f"helm is neither on PATH nor in {cache}/davylamp/bin: run `make cluster` first"
    return found


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess]:
    """Runs helm, far away from the user's own Helm configuration and cluster."""
    binary, home = find_helm(), tmp_path_factory.mktemp("helm")
    folders = {f"HELM_{kind}_HOME": str(home / kind) for kind in ("CACHE", "CONFIG", "DATA")}
    environment = os.environ | folders | {"KUBECONFIG": str(home / "none")}

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess:
        return subprocess.run(
            [binary, *arguments],
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def template(helm) -> Callable[..., subprocess.CompletedProcess]:
    """`helm template` with the given values, whatever comes of it."""

    def run(
        values: Mapping[str, Any] | None = None, *options: str, release: str = RELEASE
    ) -> subprocess.CompletedProcess:
        arguments = ("template", release, str(CHART), "--namespace", NAMESPACE, "--values", "-")
        return helm(*arguments, *options, stdin=yaml.safe_dump(dict(values or {})))

    return run


@pytest.fixture(scope="session")
def render(template) -> Callable[..., Rendered]:
    """The documents `helm template` makes of the given values; fails where Helm does."""

    def run(values: Mapping[str, Any] | None = None, *options: str, **more: str) -> Rendered:
        result = template(values, *options, **more)
        assert result.returncode == 0, result.stderr
        return Rendered(tuple(d for d in yaml.safe_load_all(result.stdout) if d))

    return run


@pytest.fixture(scope="session")
def refusal(template) -> Callable[..., str]:
    """What Helm says against the given values; fails where it takes them."""

    def run(values: Mapping[str, Any], *options: str) -> str:
        result = template(values, *options)
        assert result.returncode != 0, "helm took the values"
        return result.stderr

    return run


@pytest.fixture(scope="session")
def defaults(render) -> Rendered:
    return render()
