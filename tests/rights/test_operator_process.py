"""The operator itself with the chart's rights and nothing else: they are enough."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.scale.controlplane import free_port
from tests.rights.conftest import install, namespace_of
from tests.support.manifests import minimal
from tests.support.rights import RELEASE, SYSTEM, Court, court, until

ROOT = Path(__file__).parents[2]
REFUSED = re.compile(r"forbidden|\b403\b", re.IGNORECASE)


def token_of(plane: Court) -> str:
    """A token of the operator's ServiceAccount, as its pod gets one."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"/api/v1/namespaces/{SYSTEM}/serviceaccounts/{RELEASE}/token"
    return str(plane.admin.ask("POST", path, body).content["status"]["token"])


def log_of(plane: Court) -> str:
    return (plane.plane.folder / "operator.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    """The operator is running, where the API server has a say in owners as well."""
    plugin = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement"
    with court(tmp_path_factory.mktemp("operator"), plugin) as plane:
        install(plane)
        run_operator(plane)
        yield plane


def run_operator(installed: Court) -> None:
    """Start it, with the chart's rights and nothing else."""
    config = json.loads(installed.plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token_of(installed)}
    kubeconfig = installed.plane.folder / "operator.kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    probes = free_port()
    installed.plane.run(
        "operator",
        *(sys.executable, "-m", "davylamp", "run"),
        env={
            "PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}",
            "KUBECONFIG": str(kubeconfig),
            "DAVYLAMP_PROMETHEUS_URL": "http://127.0.0.1:9",
            "DAVYLAMP_METRICS_PORT": str(free_port()),
            "DAVYLAMP_PROBES_PORT": str(probes),
            "DAVYLAMP_IDENTITY": "davylamp-0",
            "DAVYLAMP_LEASE_NAME": RELEASE,
            "DAVYLAMP_LEASE_NAMESPACE": SYSTEM,
            "DAVYLAMP_PROVEN_NAMES": "true",
        },
    )


def status(plane: Court, namespace: str) -> dict:
    path = f"/apis/davylamp.dev/v1alpha1/namespaces/{namespace}/modeldeployments/risk"
    return dict(plane.admin.ask("GET", path).content.get("status", {}))


def children(plane: Court, namespace: str, path: str) -> list[str]:
    items = plane.admin.ask("GET", f"{path.format(namespace)}").content["items"]
    return [item["metadata"]["name"] for item in items]


def test_it_makes_all_children_answers_commands_and_is_refused_nothing(operated, request):
    namespace = operated.namespace(namespace_of(request.node.name))
    for name in ("licence", "plain"):
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "data": {"k": "eA=="},
        }
        operated.admin.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)
    manifest = minimal(namespace=namespace)
    manifest["spec"] |= {
        "secrets": [{"name": "licence", "policy": "Pin"}, {"name": "plain"}],
        "explanations": {},
    }
    assert operated.admin.create(namespace, manifest).code == 201
    until(lambda: status(operated, namespace).get("candidate") is not None, "a rollout")
    deployments = "/apis/apps/v1/namespaces/{}/deployments"
    until(lambda: children(operated, namespace, deployments) != [], "its Deployment")
    for path in (
        "/api/v1/namespaces/{}/services",
        "/api/v1/namespaces/{}/configmaps",
        "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
        "/apis/apps/v1/namespaces/{}/controllerrevisions",
        "/api/v1/namespaces/{}/events",
    ):
        until(lambda path=path: children(operated, namespace, path) != [], path)
    secrets = children(operated, namespace, "/api/v1/namespaces/{}/secrets")
    assert len(secrets) == 3, "with a copy of the pinned one"
    revision = status(operated, namespace)["candidate"]["revision"]
    given = operated.admin.annotate(namespace, "risk", abort=revision, by_abort=f"{revision} bench")
    assert given.code == 200, given.message
    until(lambda: status(operated, namespace).get("commands", []) != [], "an answer")
    [answer] = status(operated, namespace)["commands"]
    assert (answer["answer"], answer["by"]) == ("Accepted", "bench")

    def taken_off() -> bool:
        path = f"/apis/davylamp.dev/v1alpha1/namespaces/{namespace}/modeldeployments/risk"
        return not operated.admin.ask("GET", path).content["metadata"].get("annotations")

    until(taken_off, "the command and the name are taken off")
    assert not [line for line in log_of(operated).splitlines() if REFUSED.search(line)]


def test_it_adopts_children_that_were_left_behind(operated, request):
    namespace = operated.namespace(namespace_of(request.node.name))
    assert operated.admin.create(namespace, minimal(namespace=namespace)).code == 201
    deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    until(lambda: operated.admin.ask("GET", deployments).content["items"] != [], "its Deployment")
    path = f"/apis/davylamp.dev/v1alpha1/namespaces/{namespace}/modeldeployments/risk"
    orphan = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"}
    operated.admin.ask("DELETE", path, orphan)
    until(lambda: operated.admin.ask("GET", path).code == 404, "the model is gone")
    assert operated.admin.create(namespace, minimal(namespace=namespace)).code == 201
    uid = operated.admin.ask("GET", path).content["metadata"]["uid"]

    def adopted() -> bool:
        items = operated.admin.ask("GET", deployments).content["items"]
        owners = [o["uid"] for i in items for o in i["metadata"].get("ownerReferences", [])]
        return owners == [uid]

    until(adopted, "its Deployment is adopted")
    assert not [line for line in log_of(operated).splitlines() if REFUSED.search(line)]
