"""How the API server is found and spoken to, whatever else a machine is set up for."""

import json
from pathlib import Path

import pytest
from tests.support.fakehttp import Response, serving

from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.adapters.kubernetes.connection import connect

PROXY = "http://proxy.example:3128"


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "kubeconfig"
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))

    def write(server: str) -> None:
        config = {
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "secret"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path.write_text(json.dumps(config))

    return write


async def test_a_netrc_does_not_stand_in_the_way_of_the_token(kubeconfig, tmp_path):
    (tmp_path / ".netrc").write_text("default login me password mine\n")
    with serving(lambda _request: Response({"kind": "ConfigMap"})) as server:
        kubeconfig(server.url)
        async with connect() as client:
            cluster = KubernetesCluster(client, write_guard=lambda: None)
            await cluster.get("ConfigMap", "models", "risk")
    assert server.requests[0].headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("left_out", "proxy"), [("", PROXY), (".internal", None), ("elsewhere.example", PROXY)]
)
async def test_the_proxy_of_the_environment_is_used(kubeconfig, monkeypatch, left_out, proxy):
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", left_out)
    kubeconfig("https://api.internal:6443")
    async with connect() as client:
        assert client.rest_client.proxy == proxy
