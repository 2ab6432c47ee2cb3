"""Lists, watches and what goes wrong between them: nothing is lost, nothing is dropped too early."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest

from davylamp.adapters.errors import Expired, Forbidden, OperatorError, Retryable
from davylamp.adapters.kubernetes.watches import Change, Page
from davylamp.api import names
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.watches import kind_watch
from davylamp.controller.watches.kind_watch import KindWatch, Scope
from davylamp.controller.watches.watches import KINDS, Watches
from davylamp.controller.workqueue import Backoff

KEY = Key("models", "risk")
ENDS = "ends"
"""The watch ends by its time."""


def pod(name: str, version: int, namespace: str = "models") -> dict:
    labels = {names.LABEL_MANAGED_BY: names.MANAGED_BY, names.LABEL_MODEL: "risk"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"kind": "Pod", "metadata": {**metadata, "resourceVersion": str(version)}}


def added(name: str, version: int) -> Change:
    return Change("ADDED", pod(name, version))


def deleted(name: str, version: int) -> Change:
    return Change("DELETED", pod(name, version))


def bookmark(version: int) -> Change:
    return Change("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})


@dataclass
class Server:
    """Answers lists and watches one after the other as a test wrote them down."""

    lists: list[list[Page] | OperatorError] = field(default_factory=list)
    watches: list[list[Change | OperatorError]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """`list`, or `watch` with the version that it was to go on from."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Everything was answered."""

    async def page(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str], after: str = ""
    ) -> Page:
        if not after:
            self.asked.append("list")
        pages = self.lists[0]
        if isinstance(pages, OperatorError):
            self.lists.pop(0)
            raise pages
        page = pages.pop(0)
        if not pages:
            self.lists.pop(0)
        return page

    async def changes(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str], since: str, lasts: int
    ) -> AsyncIterator[Change]:
        self.asked.append(f"watch {since}")
        if not self.watches:
            self.idle.set()
            await asyncio.Event().wait()
        for change in self.watches.pop(0):
            if isinstance(change, OperatorError):
                raise change
            yield change


def page(version: int, *items: dict, more: str = "") -> Page:
    return Page(items, str(version), more)


@pytest.fixture
def cache() -> ObjectCache:
    return ObjectCache()


async def ran(server: Server, cache: ObjectCache) -> list[Key]:
    """What was told by the time that everything was answered."""
    told: list[Key] = []
    backoff = Backoff(first=0.001, longest=0.001)
    watch = KindWatch(server, cache, Scope("Pod", None), told.append, backoff=backoff)
    task = asyncio.create_task(watch.run())
    await asyncio.wait_for(server.idle.wait(), 5)
    task.cancel()
    return told


def pods(cache: ObjectCache) -> set[str]:
    return {item["metadata"]["name"] for item in cache.children(KEY, "Pod")}


async def test_a_watch_goes_on_where_the_list_or_the_watch_before_ended(cache):
    first = [added("b", 11), deleted("a", 12), bookmark(40)]
    server = Server([[page(10, pod("a", 9))]], [first, [added("c", 41)]])
    told = await ran(server, cache)
    assert server.asked == ["list", "watch 10", "watch 40", "watch 41"]
    assert pods(cache) == {"b", "c"}
    assert len(told) == 4


async def test_a_list_comes_in_pages(cache):
    server = Server([[page(10, pod("a", 9), more="x"), page(10, pod("b", 9))]])
    await ran(server, cache)
    assert pods(cache) == {"a", "b"}


async def test_a_version_that_is_not_kept_any_more_is_listed_anew_and_lost_deletions_are_found(
    cache,
):
    server = Server(
        [[page(10, pod("a", 9), pod("b", 9))], [page(50, pod("b", 9))]],
        [[Expired("410")]],
    )
    told = await ran(server, cache)
    assert server.asked == ["list", "watch 10", "list", "watch 50"]
    assert pods(cache) == {"b"}
    assert told[-1] == KEY


async def test_a_list_that_expires_between_pages_takes_nothing_away(cache):
    cache.put(pod("a", 5))
    cut = Server(
        [[page(10, pod("b", 9), more="x")], Expired("410"), [page(11, pod("a", 5), pod("b", 9))]]
    )
    told = await ran(cut, cache)
    assert cut.asked == ["list", "list", "watch 11"]
    assert pods(cache) == {"a", "b"}
    assert told == [KEY]


async def test_an_api_server_that_restarts_is_watched_on_without_a_list(cache):
    away = Retryable("watch Pod: ClientConnectorError")
    server = Server([[page(10, pod("a", 9))]], [[added("b", 20), away], [away], [added("c", 21)]])
    await ran(server, cache)
    assert server.asked == ["list", "watch 10", "watch 20", "watch 20", "watch 21"]
    assert pods(cache) == {"a", "b", "c"}


async def test_a_watch_that_fails_again_and_again_is_given_up_for_a_list(cache):
    away = Retryable("504 Too large resource version")
    server = Server([[page(10)], [page(30, pod("b", 29))]], [[away], [away], [away]])
    await ran(server, cache)
    assert server.asked == [*("list", "watch 10", "watch 10", "watch 10"), "list", "watch 30"]
    assert pods(cache) == {"b"}


async def test_own_writes_that_a_list_is_too_old_for_stay(cache):
    cache.put(pod("ours", 15))
    await ran(Server([[page(10, pod("a", 9))]]), cache)
    assert pods(cache) == {"a", "ours"}


async def test_a_cluster_restored_from_a_backup_is_taken_as_it_is(cache):
    server = Server(
        [[page(900, pod("a", 850), pod("lost", 870))], [page(300, pod("a", 250))]],
        [[Expired("410")]],
    )
    await ran(server, cache)
    assert [i["metadata"]["resourceVersion"] for i in cache.children(KEY, "Pod")] == ["250"]


async def test_a_kind_that_is_due_is_compared_without_any_error(cache, monkeypatch):
    monkeypatch.setattr(kind_watch, "COMPARE_EVERY", (0.0, 0.0))
    server = Server([[page(10, pod("a", 9))], [page(20)], [page(30)]], [[], [bookmark(21)]])
    told = await ran(server, cache)
    assert server.asked == ["list", "watch 10", "list", "watch 20", "list", "watch 30"]
    assert (pods(cache), told) == (set(), [KEY, KEY])


@pytest.mark.parametrize("namespaces", [(), ("models", "other")], ids=["everywhere", "two"])
async def test_nothing_is_known_of_a_namespace_before_each_kind_was_listed_there(namespaces, cache):
    refused: set[tuple[str, str | None]] = {("Job", namespaces[0] if namespaces else None)}
    known: list[str | None] = []
    told: list[str | None] = []

    class Refusing(Server):
        async def page(self, kind, namespace, *, labels, after=""):
            if (kind, namespace) in refused:
                raise Forbidden(f"list {kind}: 403")
            return page(10)

    watches = Watches(
        Refusing(),
        cache,
        namespaces=namespaces,
        on_change=lambda _key: None,
        on_known=known.append,
        on_refused=told.append,
    )
    for watch in watches.watches:
        watch.backoff = Backoff(first=0.001, longest=0.001)
    assert not watches.knows("models")
    watches.begin()
    try:
        await asyncio.sleep(0.05)
        assert not watches.knows("models")
        assert watches.knows("other") == bool(namespaces)
        assert str(watches.refused("models")) == "list Job: 403"
        assert (watches.refused("other") is None) == bool(namespaces)
        assert told == [namespaces[0] if namespaces else None], "once"
        refused.clear()
        await asyncio.sleep(0.05)
        assert watches.knows("models")
        assert watches.refused("models") is None
        assert known == (["other", "models"] if namespaces else [None])
        cache.put(pod("a", 9))
    finally:
        watches.end()
    assert not watches.knows("models")
    assert pods(cache) == set(), "a standby keeps no children"
    assert len(watches.watches) == len(KINDS) * max(1, len(namespaces))


async def test_who_leads_again_lists_everything_again(cache):
    """A lease that lapses for a moment: what was known before is dropped, and learnt anew."""
    known = asyncio.Event()

    class Listing(Server):
        async def page(self, kind, namespace, *, labels, after=""):
            return page(10, *([pod("a", 9)] if kind == "Pod" else []))

    watches = Watches(
        Listing(), cache, on_change=lambda _key: None, on_known=lambda _namespace: known.set()
    )
    for _term in range(3):
        known.clear()
        watches.begin()
        async with asyncio.timeout(5):
            await known.wait()
        assert watches.knows("models")
        assert pods(cache) == {"a"}
        watches.end()
        assert pods(cache) == set()
