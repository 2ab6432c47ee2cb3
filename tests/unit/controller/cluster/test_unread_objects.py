"""Objects that are not read: known by name, counted, and never more than there is room for."""

import base64
import random

import pytest

from davylamp.api import names
from davylamp.controller.cluster import cache as caching
from davylamp.controller.cluster import room
from davylamp.controller.cluster.cache import Key, ObjectCache

KEY = Key("models", "risk")


def pod(name: str, version: int, **more: object) -> dict:
    labels = {names.LABEL_MANAGED_BY: names.MANAGED_BY, names.LABEL_MODEL: "risk"}
    metadata = {"name": name, "namespace": "models", "labels": labels}
    metadata |= {"resourceVersion": str(version), "annotations": {"a": "b" * 1000}}
    return {"kind": "Pod", "metadata": metadata, **more}


def model(version: int, **more: object) -> dict:
    metadata = {"name": "risk", "namespace": "models", "resourceVersion": str(version)}
    return {"kind": names.KIND, "metadata": metadata, **more}


def test_outlines_are_counted_until_they_are_whole_or_gone():
    cache = ObjectCache()
    unread = {names.UNREAD: "is nested deeper than 64 levels"}
    assert cache.put(pod("a", 1, **unread)) == KEY
    cache.put(pod("b", 1, **unread))
    cache.put(model(1, **unread))
    assert (cache.unread("Pod"), cache.unread(names.KIND)) == (2, 1)
    cache.put(pod("a", 2))
    cache.remove(pod("b", 2))
    cache.put(model(2))
    assert (cache.unread("Pod"), cache.unread(names.KIND)) == (0, 0)
    cache.put(pod("a", 3, **unread))
    cache.put(model(3, **unread))
    cache.drop("Pod", None)
    cache.forget(KEY)
    assert (cache.unread("Pod"), cache.unread(names.KIND)) == (0, 0)


def test_one_model_has_room_for_so_many_bytes_of_children(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "MOST_OF_A_MODEL", 10_000)
    cache = ObjectCache()
    cache.put(model(1, spec="x" * 20_000))
    for number in range(9):
        cache.put(pod(f"p{number}", 1, spec="x" * 3_000))
    assert cache.unread("Pod") == 7
    assert cache.parent(KEY)["spec"]
    outline = cache.child(KEY, "Pod", "p8")
    assert "spec" not in outline
    assert "annotations" not in outline["metadata"]
    assert outline["metadata"]["name"] == "p8"


def test_there_is_room_again_when_others_are_gone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "MOST_OF_A_MODEL", 6_000)
    cache = ObjectCache()
    for name in ("a", "b"):
        cache.put(pod(name, 1, spec="x" * 3_000))
    assert cache.put(pod("b", 1, spec="x" * 3_000)) is None
    cache.remove(pod("a", 2))
    assert cache.put(pod("b", 1, spec="x" * 3_000)) == KEY, "a list shows it again"
    assert cache.unread("Pod") == 0


def test_what_is_ready_to_read_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(caching, "MOST_UNPACKED", 10_000)
    cache = ObjectCache()
    keys = [Key("models", f"m{number}") for number in range(8)]
    for key in keys:
        item = model(1, spec="x" * 3_000)
        item["metadata"]["name"] = key.name
        cache.put(item)
    first = {key: cache.parent(key) for key in keys}
    ready = [key for key in reversed(keys) if cache.parent(key) is first[key]]
    assert ready == keys[:-4:-1]


def dense(namespace: str, name: str, version: int = 1, size: int = 15_000, **more: object) -> dict:
    """A ModelDeployment that does not compress."""
    noise = base64.b64encode(random.Random(name).randbytes(size)).decode()
    item = model(version, spec=noise, **more)
    item["metadata"] |= {"name": name, "namespace": namespace}
    return item


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> ObjectCache:
    """A cache with room for five of these, two of them in one namespace, and always one."""
    monkeypatch.setattr(room, "MOST_OF_ALL", 40_000)
    monkeypatch.setattr(room, "MOST_OF_A_NAMESPACE", 16_000)
    monkeypatch.setattr(room, "ALWAYS", 8_000)
    return ObjectCache()


def test_a_namespace_has_room_for_so_much_that_does_not_compress(narrow: ObjectCache):
    status = {"stable": {"revision": "x"}}
    for number in range(4):
        narrow.put(dense("hostile", f"m{number}", status=status))
    assert narrow.unread(names.KIND) == 2
    outline = narrow.parent(Key("hostile", "m3"))
    assert "one namespace" in outline[names.UNREAD]
    assert "spec" not in outline
    assert outline["status"] == status, "what serves is not forgotten"
    narrow.put(dense("other", "m0"))
    narrow.put(model(1, spec="ordinary"))
    assert narrow.unread(names.KIND) == 2


def test_whatever_others_take_a_namespace_has_some_room(narrow: ObjectCache):
    for number in range(6):
        for name in ("a", "b"):
            narrow.put(dense(f"hostile-{number}", name))
    assert narrow.parent(Key("hostile-5", "b")).get(names.UNREAD)
    narrow.put(dense("victim", "a"))
    assert not narrow.parent(Key("victim", "a")).get(names.UNREAD)


def test_a_command_is_kept_where_there_is_no_room(narrow: ObjectCache):
    for number in range(3):
        item = dense("hostile", f"m{number}")
        item["metadata"]["annotations"] = {names.Command.ABORT.value: "x", "much": "y" * 9_000}
        narrow.put(item)
    outline = narrow.parent(Key("hostile", "m2"))
    assert outline["metadata"]["annotations"] == {names.Command.ABORT.value: "x"}


def test_there_is_room_in_a_namespace_when_others_are_gone(narrow: ObjectCache):
    for number in range(3):
        narrow.put(dense("hostile", f"m{number}"))
    narrow.remove(dense("hostile", "m0", 2))
    assert narrow.put(dense("hostile", "m2")) == Key("hostile", "m2"), "a list shows it again"
    assert narrow.unread(names.KIND) == 0
