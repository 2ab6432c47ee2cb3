"""A real API server with our resource, and namespaces that go away again."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.support.kube import kubectl
from tests.support.manifests import Manifest

from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.adapters.kubernetes.connection import connect
from localcluster.names import CONTEXT

CRD_FILE = Path(__file__).parents[2] / "crds" / "davylamp.dev_modeldeployments.yaml"
HELM_OWNS_IT = {
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {
        "meta.helm.sh/release-name": "davylamp",
        "meta.helm.sh/release-namespace": "davylamp-system",
    },
}


@pytest.fixture(scope="session")
def crd_file() -> Manifest:
    return yaml.safe_load(CRD_FILE.read_text())


@pytest.fixture(scope="session", autouse=True)
def crd(crd_file: Manifest) -> Manifest:
    """The definition as the API server stores it; brought up to date when it is not.

    It is marked as the chart's, so that installing the operator afterwards works.
    """
    reached = kubectl("version", "-o", "json")
    assert reached.code == 0, f"no local cluster, run `make cluster` first: {reached.err}"
    name = crd_file["metadata"]["name"]
    ours = {**crd_file, "metadata": {"name": name, **HELM_OWNS_IT}}
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", "-")
    applied = kubectl(*apply, stdin=ours)
    assert applied.code == 0, applied.err
    established = kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", name)
    assert established.code == 0, established.err
    return kubectl("get", "crd", name, "-o", "json").json


def no_pods(namespace: str) -> Manifest:
    """These tests are about objects; pods of theirs would take the node from the stories."""
    metadata = {"name": "no-pods", "namespace": namespace}
    spec = {"hard": {"pods": "0"}}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}


@pytest.fixture(scope="session")
def make_namespace() -> Iterator[Callable[[str], str]]:
    """Makes restricted namespaces; they are deleted at the end, without waiting for it."""
    made: list[str] = []

    def make(name: str) -> str:
        modes = ("enforce", "warn")
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in modes}
        gone = kubectl("delete", "namespace", name, "--ignore-not-found", "--timeout=55s")
        assert gone.code == 0, gone.err
        metadata = {"name": name, "labels": labels}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        for item in (manifest, no_pods(name)):
            created = kubectl("create", "-f", "-", stdin=item)
            assert created.code == 0, created.err
        made.append(name)
        return name

    yield make
    for name in made:
        kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def namespace(request: pytest.FixtureRequest, make_namespace: Callable[[str], str]) -> str:
    """A namespace of the test module's own."""
    return make_namespace(f"it-{request.path.stem.removeprefix('test_').replace('_', '-')}")


@pytest.fixture
async def cluster() -> AsyncIterator[KubernetesCluster]:
    """The operator's own port to the API server, which may always write."""
    async with connect(context=CONTEXT) as client:
        yield KubernetesCluster(client, write_guard=lambda: None, timeout=30.0)
