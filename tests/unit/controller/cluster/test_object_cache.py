"""Our own writes, late watches and lists that were overtaken, in any order."""

from davylamp.api import names
from davylamp.controller.cluster.cache import Key, ObjectCache

KEY = Key("models", "risk")


def child(name: str, version: int, kind: str = "Pod") -> dict:
    labels = {names.LABEL_MANAGED_BY: names.MANAGED_BY, names.LABEL_MODEL: "risk"}
    metadata = {"name": name, "namespace": "models", "labels": labels}
    return {"kind": kind, "metadata": {**metadata, "resourceVersion": str(version)}}


def parent(version: int) -> dict:
    metadata = {"name": "risk", "namespace": "models", "resourceVersion": str(version)}
    return {"kind": names.KIND, "metadata": metadata}


def pods(cache: ObjectCache) -> dict[str, int]:
    found = cache.children(KEY, "Pod")
    return {p["metadata"]["name"]: int(p["metadata"]["resourceVersion"]) for p in found}


def test_an_older_version_is_no_news():
    cache = ObjectCache()
    assert cache.put(child("a", 9)) == KEY
    assert cache.put(child("a", 9)) is None
    assert cache.put(child("a", 10)) == KEY
    assert cache.put(child("a", 8)) is None
    assert pods(cache) == {"a": 10}


def test_versions_are_numbers_not_texts():
    cache = ObjectCache()
    cache.put(parent(99))
    assert cache.put(parent(100)) == KEY


def test_what_is_not_ours_is_passed_over():
    cache = ObjectCache()
    foreign = child("a", 1)
    foreign["metadata"]["labels"][names.LABEL_MANAGED_BY] = "Helm"
    assert cache.put(foreign) is None
    assert cache.remove(foreign) is None


def test_a_late_deletion_does_not_take_the_successor_of_the_name():
    cache = ObjectCache()
    cache.put(child("a", 20))
    cache.remove(child("a", 15))
    assert pods(cache) == {"a": 20}


def test_a_late_event_does_not_bring_back_what_was_deleted():
    cache = ObjectCache()
    cache.put(child("a", 5))
    cache.remove(child("a", 8))
    assert cache.put(child("a", 7)) is None
    assert pods(cache) == {}
    assert cache.put(child("a", 9)) == KEY


def test_a_list_takes_away_what_was_known_and_is_not_in_it():
    cache = ObjectCache()
    cache.put(child("a", 1))
    cache.put(child("a", 1, "Service"))
    cache.replace(KEY, "Pod", [child("b", 2)], known=["a"])
    assert pods(cache) == {"b": 2}
    assert cache.child(KEY, "Service", "a")


def test_a_list_does_not_take_away_what_came_while_it_was_read():
    cache = ObjectCache()
    cache.put(child("new", 7))
    cache.replace(KEY, "Pod", [], known=[])
    assert pods(cache) == {"new": 7}


def test_a_list_does_not_bring_back_what_went_while_it_was_read():
    cache = ObjectCache()
    cache.put(child("a", 1))
    cache.remove(child("a", 6))
    cache.replace(KEY, "Pod", [child("a", 1)], known=["a"])
    assert pods(cache) == {}


def test_deletions_are_forgotten_once_their_kind_was_listed():
    cache = ObjectCache()
    for number in range(50):
        cache.remove(child(f"pod-{number}", number))
    cache.remove(child("a", 1, "Service"))
    cache.replace(KEY, "Pod", [], known=[])
    assert list(cache._gone[KEY]) == [("Service", "a")]


def test_nothing_is_left_of_what_is_forgotten():
    cache = ObjectCache()
    cache.put(parent(1))
    cache.put(child("a", 1))
    cache.remove(child("b", 1))
    cache.forget(KEY)
    assert cache.parents() == []
    assert cache.parent(KEY) is None
    assert pods(cache) == {}
    assert cache.put(child("b", 1)) == KEY
