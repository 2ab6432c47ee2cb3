"""Lists in pages and watches, against the real API server."""

import asyncio

import pytest

from davylamp.adapters.errors import Expired
from davylamp.adapters.kubernetes import watches
from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.adapters.kubernetes.connection import connect
from davylamp.adapters.kubernetes.watches import KubernetesWatches
from localcluster.names import CONTEXT

LABELS = {"test": "watched"}


async def test_a_watch_goes_on_from_a_list_in_pages(
    cluster: KubernetesCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "PAGES", (1,))
    for name in ("a", "b"):
        metadata = {"name": name, "namespace": namespace, "labels": dict(LABELS)}
        await cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    async with connect(context=CONTEXT) as client:
        watching = KubernetesWatches(client)
        first = await watching.page("ConfigMap", namespace, labels=LABELS)
        await cluster.delete("ConfigMap", namespace, "b")
        pages = [first]
        while pages[-1].more:
            after = pages[-1].more
            pages.append(await watching.page("ConfigMap", namespace, labels=LABELS, after=after))
        items = [len(list(page.items)) for page in pages]
        assert [number for number in items if number] == [1, 1]
        assert {page.version for page in pages} == {first.version}, "all pages show one moment"
        async with asyncio.timeout(30):
            told = watching.changes(
                "ConfigMap", namespace, labels=LABELS, since=first.version, lasts=20
            )
            change = await anext(aiter(told))
    assert (change.type, change.item["kind"]) == ("DELETED", "ConfigMap")


async def test_a_version_of_long_ago_has_expired(namespace: str) -> None:
    async with connect(context=CONTEXT) as client:
        watching = KubernetesWatches(client)
        with pytest.raises(Expired):
            async for _ in watching.changes(
                "ConfigMap", namespace, labels=LABELS, since="1", lasts=5
            ):
                pass
