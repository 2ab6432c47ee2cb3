"""An operator without any right to Secrets: it asks for none, and says what cannot be had."""

import pytest
from tests.support.fakecluster import Port, Write, address_of
from tests.support.operation import NAMESPACE, QUICK, Land, Process

from davylamp.adapters.errors import Forbidden

PINNED = [{"name": "token"}, {"name": "licence", "policy": "Pin"}]


@pytest.fixture
def forbidden(monkeypatch) -> list[str]:
    """The API server refuses every request about a Secret; names of those that were made."""
    asked: list[str] = []
    read = Port.get

    async def get(port, kind, namespace, name):
        if kind == "Secret":
            asked.append(name)
            raise Forbidden("get Secret: 403")
        return await read(port, kind, namespace, name)

    monkeypatch.setattr(Port, "get", get)
    return asked


def refused(write: Write) -> None:
    if write.kind == "Secret":
        raise Forbidden(f"{write.verb} Secret: 403")


def secret(name: str) -> dict:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"token": "b25l"}}


def without_rights(land: Land) -> Land:
    land.cluster.before.append(refused)
    land.processes = [Process(land, reads_secrets=False)]
    return land


async def test_a_pinned_secret_is_refused_with_its_path_and_what_to_do(forbidden):
    land = without_rights(Land())
    land.apply("v1", secrets=PINNED)
    await land.run(5)
    kind, reason, said = land.condition("Stalled")
    assert (kind, reason) == ("True", "InvalidSpec")
    assert said.startswith("spec.secrets[licence].policy: Pin copies the Secret")
    assert "secrets.enabled=false" in said
    assert "use Follow" in said
    assert land.running() == {}
    assert forbidden == []


async def test_all_else_goes_on_and_no_secret_is_ever_asked_for(forbidden):
    land = without_rights(Land())
    land.apply("v1", secrets=[{"name": "token"}])
    await land.settle()
    land.apply("v2", secrets=[{"name": "token"}, {"name": "another"}])
    await land.until(lambda: land.stable() == "v2")
    assert land.condition("Stalled") is None
    assert forbidden == []


async def test_revisions_that_were_pinned_before_go_on_and_are_forgotten(monkeypatch):
    """Their copies stay behind until the ModelDeployment goes: no right is left to delete them."""
    land = Land()
    for name in ("token", "licence"):
        land.cluster.put(secret(name))
    land.apply("v1", secrets=PINNED, rollout={**QUICK, "history": 1, "steps": []})
    await land.settle()
    without_rights(land)
    await land.run(20)
    assert land.serving() == {"v1"}
    assert land.condition("Stalled") is None
    for tag in ("v2", "v3"):
        land.apply(tag, secrets=[])
        await land.settle()
    tags = {
        item["metadata"]["labels"]["app.kubernetes.io/version"]
        for item in land.cluster.find("ControllerRevision")
    }
    assert tags == {"v2", "v3"}
    assert land.condition("Obstructed") is None
    [copy] = [s for s in land.cluster.find("Secret") if s["metadata"].get("ownerReferences")]
    parent = land.parent()
    assert copy["metadata"]["ownerReferences"][0]["uid"] == parent["metadata"]["uid"]


async def test_children_are_adopted_without_their_copies(forbidden):
    land = Land()
    for name in ("token", "licence"):
        land.cluster.put(secret(name))
    served = without_rights(land)
    served.apply("v1", secrets=[{"name": "token"}])
    await served.settle()
    parent = served.parent()
    served.cluster.orphan(address_of(parent))
    served.cluster.put({**parent, "metadata": {"name": "risk", "namespace": NAMESPACE}})
    await served.settle()
    assert served.serving() == {"v1"}
    assert forbidden == []
