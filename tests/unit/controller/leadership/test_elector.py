"""Two electors and one Lease, on a virtual clock."""

import asyncio
import contextlib
import copy
import random
from datetime import UTC, datetime, timedelta

import pytest

from davylamp.adapters.errors import Conflict, NotLeader, Retryable
from davylamp.controller.leadership.elector import Elector
from davylamp.controller.leadership.lease import LeaseSettings, held_lease, new_lease, read_record

pytestmark = pytest.mark.looptime

DURATION = 15.0
OUTAGE = 2.4
"""Seconds that a leader survives whatever the moment: a request that hangs from the first to the last
of them is given up soon enough for a second one."""


class LeaseStore:
    """One Lease with versions, as the API server keeps it; can hang, fail and lose answers."""

    def __init__(self) -> None:
        self.lease: dict | None = None
        self.version = 0
        self.writes = 0
        self.reads = 0
        self.latency = 0.01

    async def get_lease(self, namespace, name):
        self.reads += 1
        await asyncio.sleep(self.latency)
        return copy.deepcopy(self.lease)

    async def create_lease(self, manifest):
        await asyncio.sleep(self.latency)
        if self.lease is not None:
            raise Conflict("already exists")
        return self._store(manifest)

    async def replace_lease(self, manifest):
        await asyncio.sleep(self.latency)
        if self.lease is None or manifest["metadata"]["resourceVersion"] != str(self.version):
            raise Conflict("the object has been modified")
        return self._store(manifest)

    def _store(self, manifest):
        self.writes += 1
        self.version += 1
        self.lease = copy.deepcopy(manifest)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(self.lease)

    @property
    def record(self):
        return read_record(self.lease, duration=DURATION)


class Link:
    """One process' way to the store, which can be cut: requests hang, fail, or lose the answer."""

    def __init__(self, store: LeaseStore) -> None:
        self.store = store
        self.mode = "up"

    async def get_lease(self, namespace, name):
        return await self._through(self.store.get_lease(namespace, name))

    async def create_lease(self, manifest):
        return await self._through(self.store.create_lease(manifest))

    async def replace_lease(self, manifest):
        return await self._through(self.store.replace_lease(manifest))

    async def _through(self, request):
        if self.mode in {"hung", "down"}:
            request.close()
            if self.mode == "down":
                raise Retryable("connection refused")
            await asyncio.sleep(1e6)
        answer = await request
        if self.mode == "deaf":
            await asyncio.sleep(1e6)
        return answer


class Replica:
    """An elector with its task, link and the story of its leadership."""

    def __init__(self, store: LeaseStore, name: str) -> None:
        self.link = Link(store)
        self.story: list[str] = []
        self.others: list[Replica] = []
        settings = LeaseSettings(
            name="davylamp", namespace="davylamp-system", identity=name, duration=DURATION
        )
        self.elector = Elector(
            self.link,
            settings,
            on_started=self.begin,
            on_stopped=lambda: self.story.append("stopped"),
        )
        self.task = asyncio.create_task(self.elector.run())

    def begin(self) -> None:
        clash = any(other.elector.is_leader() for other in self.others)
        self.story.append("clash" if clash else "started")

    async def leads(self, *, within: float) -> float:
        return await until(self.elector.is_leader, within=within)

    def kill(self) -> None:
        """End it as SIGKILL does: no request leaves any more, so no release."""
        self.link.mode = "hung"
        self.task.cancel()

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(condition, *, within: float) -> float:
    """Seconds of the virtual clock until the condition holds."""
    began = now()
    while not condition():
        assert now() - began < within, "too late"
        await asyncio.sleep(0.1)
    return now() - began


@contextlib.asynccontextmanager
async def replicas(store: LeaseStore, *names: str):
    made = [Replica(store, name) for name in names]
    try:
        yield made
    finally:
        for replica in made:
            await replica.end()


@pytest.fixture
def store() -> LeaseStore:
    return LeaseStore()


async def test_the_first_one_creates_the_lease_and_leads(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        assert a.story == ["started"]
        assert store.record.holder == a.elector.holder
        assert a.elector.holder.startswith("a_")
        a.elector.ensure()


async def test_timestamps_are_utc(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        spec = store.lease["spec"]
        renewed = datetime.strptime(spec["renewTime"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - renewed) < timedelta(minutes=1)
        assert spec["leaseDurationSeconds"] == 15


async def test_an_idle_leader_writes_about_every_third_of_the_duration(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        before, reads = store.writes, store.reads
        await asyncio.sleep(300)
        assert 60 <= store.writes - before <= 76
        assert store.reads == reads
        assert a.story == ["started"]


async def test_a_standby_only_reads(store: LeaseStore) -> None:
    async with replicas(store, "a", "b") as (a, b):
        await until(lambda: a.elector.is_leader() or b.elector.is_leader(), within=5)
        await asyncio.sleep(120)
        standby = b if a.elector.is_leader() else a
        assert standby.story == []
        assert store.record.transitions == 0
        with pytest.raises(NotLeader):
            standby.elector.ensure()


async def test_a_killed_leader_is_succeeded_after_the_lease_duration(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        async with replicas(store, "b") as (b,):
            await asyncio.sleep(21)
            a.kill()
            took = await b.leads(within=30)
            assert DURATION * 2 / 3 < took <= DURATION + 1.5 + 0.2
            assert store.record.transitions == 1


async def test_a_released_lease_is_taken_at_once(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        async with replicas(store, "b") as (b,):
            await asyncio.sleep(20)
            a.elector.stop()
            await a.task
            assert a.story == ["started", "stopped"]
            assert not a.elector.is_leader()
            assert await b.leads(within=5) <= 1.7


async def test_cancelling_releases_too(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        await a.end()
        assert store.record.holder == ""
        assert a.story == ["started", "stopped"]


@pytest.mark.parametrize("mode", ["hung", "down", "deaf"])
async def test_a_leader_cut_off_stops_before_others_may_lead(store: LeaseStore, mode: str) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        await asyncio.sleep(20)
        a.link.mode = mode
        took = await until(lambda: not a.elector.is_leader(), within=12)
        assert took <= DURATION * 2 / 3 + 0.1
        await until(lambda: a.story == ["started", "stopped"], within=0.3)
        with pytest.raises(NotLeader):
            a.elector.ensure()


async def test_a_leader_survives_a_short_outage(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        for mode in ("hung", "down", "deaf"):
            await asyncio.sleep(15)
            a.link.mode = mode
            await asyncio.sleep(OUTAGE)
            a.link.mode = "up"
        await asyncio.sleep(30)
        assert a.story == ["started"]
        assert store.record.transitions == 0


async def test_a_leader_that_was_cut_off_leads_again_when_nobody_took_over(store) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        a.link.mode = "hung"
        await asyncio.sleep(60)
        a.link.mode = "up"
        await a.leads(within=5)
        assert a.story == ["started", "stopped", "started"]
        assert a.elector.transitions == 3


async def test_a_hung_release_does_not_hang_the_exit(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        a.link.mode = "hung"
        a.elector.stop()
        began = now()
        await a.task
        assert now() - began <= DURATION / 3


async def test_the_same_pod_name_restarted_waits_like_everybody(store: LeaseStore) -> None:
    async with replicas(store, "a") as (first,):
        await first.leads(within=1)
        first.kill()
        async with replicas(store, "a") as (second,):
            assert await second.leads(within=30) > 9


async def test_a_lease_edited_by_hand_is_read_again(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        await asyncio.sleep(7)
        store.lease["metadata"]["annotations"] = {"note": "by hand"}
        store.version += 1
        store.lease["metadata"]["resourceVersion"] = str(store.version)
        await asyncio.sleep(60)
        assert a.story == ["started"]
        assert store.lease["metadata"]["annotations"] == {"note": "by hand"}


async def test_a_deleted_lease_is_made_again(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        store.lease = None
        await asyncio.sleep(60)
        assert a.story == ["started"]
        assert store.record.holder == a.elector.holder


async def test_an_empty_lease_made_by_a_chart_is_taken(store: LeaseStore) -> None:
    store.lease = {"metadata": {"name": "davylamp", "resourceVersion": "0"}, "spec": None}
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)


async def test_the_holder_s_own_duration_is_waited_for(store: LeaseStore) -> None:
    settings = LeaseSettings(name="l", namespace="n", identity="other", duration=60)
    store._store(new_lease(settings, holder="other"))
    async with replicas(store, "a") as (a,):
        assert 60 <= await a.leads(within=90) <= 62


async def test_a_bug_ends_the_elector_instead_of_going_unnoticed(store: LeaseStore) -> None:
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        store.latency = "broken"
        with pytest.raises(TypeError):
            await a.task
        assert not a.elector.is_leader()


@pytest.mark.parametrize("seed", range(4))
async def test_two_never_lead_at_once_whatever_breaks(store: LeaseStore, seed: int) -> None:
    dice = random.Random(seed)
    async with replicas(store, "a", "b", "c") as trio:
        for replica in trio:
            replica.others = [other for other in trio if other is not replica]
        for _ in range(25):
            for replica in trio:
                replica.link.mode = dice.choice(["up", "up", "up", "hung", "down", "deaf"])
            store.latency = dice.choice([0.01, 0.5, 2.0])
            await asyncio.sleep(dice.uniform(1, 25))
    assert sum(replica.story.count("started") for replica in trio) > 2
    for replica in trio:
        assert "clash" not in replica.story
        assert replica.story == ["started", "stopped"] * (len(replica.story) // 2)


def test_renewing_keeps_the_time_of_taking_over_and_counts_changes_of_holder() -> None:
    settings = LeaseSettings(name="l", namespace="n", identity="a")
    first = new_lease(settings, holder="a")
    first["spec"]["acquireTime"] = "then"
    again = held_lease(first, settings, holder="a")
    taken = held_lease(first, settings, holder="b")
    assert (again["spec"]["acquireTime"], again["spec"]["leaseTransitions"]) == ("then", 0)
    assert taken["spec"]["acquireTime"] != "then"
    assert taken["spec"]["leaseTransitions"] == 1


async def test_an_answer_that_comes_after_the_end_of_the_lease_begins_a_new_term(
    store: LeaseStore,
) -> None:
    """A process that got no processor time: passes meanwhile were none, so all are due again."""
    async with replicas(store, "a") as (a,):
        await a.leads(within=1)
        renew = a.link.replace_lease

        async def renewed_late(manifest: dict) -> dict:
            answer = await renew(manifest)
            a.elector._valid_until = now()
            return answer

        a.link.replace_lease = renewed_late
        await until(lambda: len(a.story) > 1, within=DURATION)
        a.link.replace_lease = renew
        await asyncio.sleep(1)
        assert a.story == ["started", "stopped", "started"]
        assert a.elector.is_leader()
