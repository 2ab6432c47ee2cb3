"""Our own writes, late watches and lists that were overtaken, in any order."""

from davylamp.api import names
from davylamp.controller.cluster.cache import MOST_READ, Key, ObjectCache

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


def listed(cache: ObjectCache, kind: str, items: list[dict], *, at: int) -> set[Key]:
    """Take in a complete list, as it was at a version."""
    for item in items:
        cache.put(item)
    return cache.compare(kind, None, {("models", i["metadata"]["name"]) for i in items}, at)


def test_a_list_takes_away_what_is_not_in_it():
    cache = ObjectCache()
    cache.put(child("a", 1))
    cache.put(child("a", 1, "Service"))
    assert listed(cache, "Pod", [child("b", 2)], at=5) == {KEY}
    assert pods(cache) == {"b": 2}
    assert cache.child(KEY, "Service", "a")


def test_a_list_of_one_namespace_says_nothing_about_others():
    cache = ObjectCache()
    cache.put(child("a", 1))
    assert cache.compare("Pod", "elsewhere", set(), 5) == set()
    assert pods(cache) == {"a": 1}


def test_a_model_that_no_event_told_the_end_of_is_found_gone():
    cache = ObjectCache()
    cache.put(parent(4))
    assert listed(cache, names.KIND, [], at=5) == {KEY}
    assert cache.parents() == []


def test_a_list_does_not_take_away_what_came_while_it_was_read():
    cache = ObjectCache()
    cache.put(child("new", 7))
    assert listed(cache, "Pod", [], at=6) == set()
    assert pods(cache) == {"new": 7}


def test_a_list_does_not_bring_back_what_went_while_it_was_read():
    cache = ObjectCache()
    cache.put(parent(1))
    cache.put(child("a", 1))
    cache.remove(child("a", 6))
    cache.remove(parent(7))
    listed(cache, "Pod", [child("a", 1)], at=5)
    listed(cache, names.KIND, [parent(1)], at=5)
    assert pods(cache) == {}
    assert cache.parents() == []


def test_deletions_are_forgotten_once_a_list_is_newer():
    cache = ObjectCache()
    for number in range(50):
        cache.remove(child(f"pod-{number}", number))
    cache.remove(child("late", 70))
    cache.remove(child("a", 1, "Service"))
    listed(cache, "Pod", [], at=60)
    assert list(cache._gone) == [("Pod", "models", "late"), ("Service", "models", "a")]


def test_children_are_known_until_they_are_gone_whatever_becomes_of_their_model():
    cache = ObjectCache()
    cache.put(parent(1))
    cache.put(child("a", 1))
    cache.forget(KEY)
    assert cache.parent(KEY) is None
    assert pods(cache) == {"a": 1}
    cache.remove(child("a", 2))
    assert (cache._parents, cache._children, cache._in_use) == ({}, {}, {})


def pod_of(key: Key) -> str:
    return key.name.replace("risk", "pod")


def test_only_models_that_are_looked_at_are_kept_unpacked():
    cache = ObjectCache()
    for number in range(MOST_READ + 2):
        item = child("a", number + 1)
        item["metadata"]["labels"][names.LABEL_MODEL] = f"risk-{number}"
        item["metadata"]["name"] = f"pod-{number}"
        cache.put(item)
        cache.all_children(Key("models", f"risk-{number}"))
    cache.rest(Key("models", "risk-9"))
    unpacked = (
        known for known in cache._children.items() if known[1]["Pod", pod_of(known[0])]._read
    )
    kept = [key for key, _ in unpacked]
    assert len(kept) == MOST_READ - 1
    assert Key("models", "risk-0") not in kept
