"""Objects are kept small, and nothing that is read gets lost on the way."""

import pytest
from tests.support.operation import NAME, NAMESPACE, Land

from davylamp.api import names
from davylamp.controller.cluster.cache import CHILD_KINDS, Key
from davylamp.controller.cluster.packed import PackedObject, trimmed

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def item(kind: str = "Pod") -> dict:
    """An object with everything that may be left out, and something that must not."""
    return {
        "kind": kind,
        "metadata": {
            "name": "a",
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}],
            "annotations": {APPLIED: "{}", "team": "risk"},
        },
        "spec": {"nodeName": "ñ1", "containers": [{"name": "model", "env": []}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def test_what_nobody_reads_is_left_out_and_all_else_is_kept():
    kept = trimmed(item())
    assert kept == {
        **item(),
        "metadata": {"name": "a", "annotations": {"team": "risk"}},
    }


def test_what_users_applied_is_kept_of_what_users_apply():
    assert APPLIED in trimmed(item(names.KIND))["metadata"]["annotations"]
    assert "managedFields" not in trimmed(item(names.KIND))["metadata"]


def test_an_object_is_read_as_it_was_packed_and_once_only():
    packed = PackedObject(item(), 7)
    assert packed.version == 7
    assert packed.read() == trimmed(item())
    assert packed.read() is packed.read()
    known = packed.read()
    packed.rest()
    assert packed.read() is not known
    assert packed.read() == known


def test_it_takes_less_than_half_of_the_room():
    many = {**item(), "spec": {"containers": [{"name": f"c{n}", "env": []} for n in range(50)]}}
    assert len(PackedObject(many, 1)._content) < len(str(many)) / 2


@pytest.mark.parametrize("kind", [kind for kind in CHILD_KINDS if kind not in {"CronJob", "Job"}])
async def test_a_pass_reads_of_packed_objects_what_is_stored(kind):
    land = Land()
    land.apply("v1")
    await land.settle()
    land.apply("v2")
    await land.until(lambda: "v2" in land.serving())
    cached = land.operator.cache.children(Key(NAMESPACE, NAME), kind)
    stored = [i for i in land.cluster.find(kind) if names.LABEL_MODEL in i["metadata"]["labels"]]
    assert cached == [trimmed(i) for i in stored]
    assert cached
