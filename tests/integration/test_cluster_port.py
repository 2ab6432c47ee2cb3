"""The operator's port to the cluster, against the real API server."""

import uuid
from datetime import UTC, datetime

import pytest
from tests.support.kube import kubectl
from tests.support.manifests import changed, minimal

from davylamp.adapters.errors import Conflict, NotFound, NotLeader, Retryable, Terminal
from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.adapters.kubernetes.connection import connect
from davylamp.api.names import Command, Reason
from davylamp.controller.commands.annotations import declared_in
from davylamp.manifests import Owner, event
from davylamp.rollout import Notice
from davylamp.schema.json import JsonObject, section
from localcluster.names import CONTEXT


def config_map(namespace: str, name: str, /, **data: str) -> JsonObject:
    metadata: JsonObject = {"name": name, "namespace": namespace, "labels": {"test": name}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def lease(namespace: str, holder: str) -> JsonObject:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "elected", "namespace": namespace},
        "spec": {"holderIdentity": holder},
    }


async def test_apply_drops_what_is_no_longer_named(
    cluster: KubernetesCluster, namespace: str
) -> None:
    await cluster.apply(config_map(namespace, "fields", a="1", b="2"))
    stored = await cluster.apply(config_map(namespace, "fields", a="3"))

    assert stored["data"] == {"a": "3"}


async def test_applying_the_same_twice_changes_nothing(
    cluster: KubernetesCluster, namespace: str
) -> None:
    first = await cluster.apply(config_map(namespace, "same", a="1"))

    assert await cluster.apply(config_map(namespace, "same", a="1")) == first


async def test_a_field_of_another_manager_is_a_conflict_unless_forced(
    cluster: KubernetesCluster, namespace: str
) -> None:
    by_hand = kubectl(
        *("apply", "--server-side", "--field-manager=hand", "-f", "-"),
        stdin=config_map(namespace, "shared", a="hand"),
    )
    assert by_hand.code == 0, by_hand.err

    with pytest.raises(Conflict):
        await cluster.apply(config_map(namespace, "shared", a="ours"), force=False)
    assert (await cluster.apply(config_map(namespace, "shared", a="ours")))["data"] == {"a": "ours"}


async def test_an_unknown_field_is_terminal(cluster: KubernetesCluster, namespace: str) -> None:
    with pytest.raises(Terminal, match="dat"):
        await cluster.apply({**config_map(namespace, "odd"), "dat": {"a": "1"}})


async def test_an_immutable_config_map_is_terminal(
    cluster: KubernetesCluster, namespace: str
) -> None:
    await cluster.apply({**config_map(namespace, "fixed", a="1"), "immutable": True})

    with pytest.raises(Terminal, match="immutable"):
        await cluster.apply({**config_map(namespace, "fixed", a="2"), "immutable": True})


async def test_replicas_are_scaled_where_there_were_none_and_only_from_what_was_read(
    cluster: KubernetesCluster, namespace: str
) -> None:
    paused = changed(minimal("unscaled", namespace), {"spec.paused": True})
    kubectl("apply", "--server-side", "-f", "-", stdin=paused)
    for _ in range(10):  # an operator that is installed writes to it as well
        stored = await cluster.get("ModelDeployment", namespace, "unscaled")
        assert stored is not None
        try:
            await cluster.scale(stored, 3)
        except Conflict:
            continue
        break
    scaled = await cluster.get("ModelDeployment", namespace, "unscaled")

    assert scaled is not None
    assert section(scaled, "spec")["replicas"] == 3
    with pytest.raises(Conflict):
        await cluster.scale(stored, 4)


async def test_a_missing_namespace_is_not_found(cluster: KubernetesCluster) -> None:
    with pytest.raises(NotFound):
        await cluster.apply(config_map("it-nowhere", "lost"))


async def test_get_and_list_by_label(cluster: KubernetesCluster, namespace: str) -> None:
    await cluster.apply(config_map(namespace, "wanted", a="1"))
    await cluster.apply(config_map(namespace, "unwanted", a="1"))

    here = await cluster.list("ConfigMap", namespace, labels={"test": "wanted"})
    anywhere = await cluster.list("ConfigMap", None, labels={"test": "wanted"})
    stored = await cluster.get("ConfigMap", namespace, "wanted")
    assert stored is not None
    assert here == anywhere == [stored]
    assert (stored["kind"], stored["apiVersion"]) == ("ConfigMap", "v1")
    assert await cluster.get("ConfigMap", namespace, "absent") is None


async def test_delete_needs_the_right_uid_and_can_be_repeated(
    cluster: KubernetesCluster, namespace: str
) -> None:
    await cluster.apply(config_map(namespace, "gone", a="1"))

    with pytest.raises(Conflict):
        await cluster.delete("ConfigMap", namespace, "gone", uid=str(uuid.uuid4()))
    await cluster.delete("ConfigMap", namespace, "gone")
    await cluster.delete("ConfigMap", namespace, "gone")
    assert await cluster.get("ConfigMap", namespace, "gone") is None


async def test_a_status_decided_on_an_old_version_is_a_conflict(
    cluster: KubernetesCluster, namespace: str
) -> None:
    manifest = changed(minimal("status", namespace), {"spec.paused": True})
    old = await cluster.apply(manifest)
    await cluster.apply(changed(manifest, {"spec.replicas": 2}))

    with pytest.raises(Conflict):
        await cluster.apply_status({**old, "status": {"replicas": 2}})


async def test_a_status_replaces_the_one_before(cluster: KubernetesCluster, namespace: str) -> None:
    manifest = changed(minimal("replaced", namespace), {"spec.paused": True})
    await cluster.apply(manifest)

    await write_status(cluster, namespace, {"replicas": 2, "selector": "a=b"})
    stored = await write_status(cluster, namespace, {"replicas": 3})
    assert stored["status"] == {"replicas": 3}
    with pytest.raises(Terminal, match="replicsa"):
        await write_status(cluster, namespace, {"replicsa": 3})


async def test_a_status_leaves_annotations_to_those_who_apply_them(
    cluster: KubernetesCluster, namespace: str
) -> None:
    manifest = changed(minimal("replaced", namespace), {"spec.paused": True})
    said = changed(manifest, {"metadata.annotations": {Command.ABORT.value: "aaa"}})
    applied = kubectl(*("apply", "--server-side", "--field-manager=gitops", "-f", "-"), stdin=said)
    assert applied.code == 0, applied.err

    stored = await write_status(cluster, namespace, {"replicas": 2})
    assert declared_in(stored) == {Command.ABORT}


async def test_an_annotation_is_taken_off_only_while_it_has_its_value(
    cluster: KubernetesCluster, namespace: str
) -> None:
    manifest = changed(minimal("commanded", namespace), {"spec.paused": True})
    await cluster.apply(changed(manifest, {"metadata.annotations": {"example.com/word": "b"}}))

    place = ("ModelDeployment", namespace, "commanded")
    with pytest.raises(Terminal):
        await cluster.drop_annotation(*place, annotation="example.com/word", value="a")
    stored = await cluster.drop_annotation(*place, annotation="example.com/word", value="b")
    assert "annotations" not in stored["metadata"]
    with pytest.raises(Terminal):
        await cluster.drop_annotation(*place, annotation="example.com/word", value="b")


async def write_status(
    cluster: KubernetesCluster, namespace: str, status: JsonObject
) -> JsonObject:
    """Write a status; an operator that is installed may be faster once or twice."""
    for _ in range(10):
        stored = await cluster.get("ModelDeployment", namespace, "replaced")
        assert stored is not None
        try:
            return await cluster.apply_status({**stored, "status": status})
        except Conflict:
            continue
    raise AssertionError("ten conflicts in a row")


async def test_kubectl_shows_an_event(cluster: KubernetesCluster, namespace: str) -> None:
    stored = await cluster.apply(changed(minimal("events", namespace), {"spec.paused": True}))
    metadata = stored["metadata"]
    assert isinstance(metadata, dict)
    owner = Owner("events", namespace, str(metadata["uid"]))
    notice = Notice(Reason.ROLLED_BACK, "v2 rolled back", "4be2000000", "Warning")

    await cluster.create_event(event(owner, notice, now=datetime.now(UTC), reporter="test"))

    listed = kubectl("events", "-n", namespace, "--for", "modeldeployment/events")
    assert "v2 rolled back" in listed.out
    assert "RolledBack" in listed.out


async def test_a_lease_is_created_once(cluster: KubernetesCluster, namespace: str) -> None:
    mine = await cluster.create_lease(lease(namespace, "me"))
    with pytest.raises(Conflict):
        await cluster.create_lease(lease(namespace, "other"))

    renewed = await cluster.replace_lease({**mine, "spec": {"holderIdentity": "me again"}})
    assert renewed["spec"] == {"holderIdentity": "me again"}
    with pytest.raises(Conflict):
        await cluster.replace_lease({**mine, "spec": {"holderIdentity": "other"}})


async def test_without_the_lease_nothing_is_written(namespace: str) -> None:
    def refuse() -> None:
        raise NotLeader("no lease")

    async with connect(context=CONTEXT) as client:
        guarded = KubernetesCluster(client, write_guard=refuse)
        with pytest.raises(NotLeader):
            await guarded.apply(config_map(namespace, "guarded", a="1"))
        assert await guarded.get("ConfigMap", namespace, "guarded") is None


async def test_no_answer_in_time_is_retryable(namespace: str) -> None:
    async with connect(context=CONTEXT) as client:
        hasty = KubernetesCluster(client, write_guard=lambda: None, timeout=0.0001)
        with pytest.raises(Retryable, match="no answer within"):
            await hasty.get("ConfigMap", namespace, "late")
