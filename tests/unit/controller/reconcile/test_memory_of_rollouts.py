"""Objects of models that are looked at all the time are packed, too, where others need the memory."""

import gc

import pytest
from tests.support.kubelets import Health
from tests.support.operation import NAMESPACE, Land

from davylamp.api import names
from davylamp.controller.cluster import cache as caching

MODELS, EACH = 4, 5
MARK = "heavy-part"


def heavy(land: Land, model: str, number: int) -> None:
    """A child that its model's namespace has made, of any weight."""
    parent = land.cluster.one(names.KIND, model)
    owner = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": model, "controller": True}
    labels = {names.LABEL_MANAGED_BY: names.MANAGED_BY, names.LABEL_MODEL: model}
    metadata = {"name": f"{model}-heavy-{number}", "namespace": NAMESPACE, "labels": labels}
    metadata["ownerReferences"] = [{**owner, "uid": parent["metadata"]["uid"]}]
    land.cluster.put(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {MARK: ["x"]}}
    )


def unpacked() -> int:
    """How many of them are there as objects, the cluster's own included."""
    gc.collect()
    return sum(type(item) is dict and MARK in item for item in gc.get_objects())


async def test_rollouts_keep_no_more_unpacked_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caching, "MOST_UNPACKED", 1)
    land = Land()
    land.kubelets.health["v1"] = Health.NEVER_READY
    models = [f"model-{number}" for number in range(MODELS)]
    for model in models:
        land.apply("v1", name=model)
    await land.run(5)
    for model in models:
        for number in range(EACH):
            heavy(land, model, number)
    await land.run(5)
    stored = len([item for item in land.cluster.find("ConfigMap") if MARK in item["data"]])
    assert stored == MODELS * EACH
    assert unpacked() - unpacked_by_the_cluster(land) <= EACH


def unpacked_by_the_cluster(land: Land) -> int:
    """The same without the operator."""
    land.processes.clear()
    return unpacked()
