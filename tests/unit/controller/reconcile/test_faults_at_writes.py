"""API errors, conflicts, restarts and two operators, at every write of a rollout."""

import pytest
from tests.support.fakecluster import Killed, Port, refusing
from tests.support.fakeprometheus import Mood
from tests.support.operation import QUICK, Land, Process, written

from davylamp.adapters.errors import Conflict, NotLeader, Retryable
from davylamp.api.names import KIND

BAD = {"v2": 0.3}
SHORT = {**QUICK, "steps": [{"weight": 50, "hold": "5s"}], "probation": "10s"}


async def story(land: Land) -> Land:
    """A first revision, a bad one, and a good one."""
    land.prometheus.error_share.update(BAD)
    for tag in ("v1", "v2", "v3"):
        land.apply(tag, rollout=SHORT)
        await land.settle()
    return land


@pytest.fixture(scope="module")
def undisturbed() -> dict:
    return {}


async def end_without_faults(known: dict) -> tuple[dict, int]:
    if not known:
        land = await story(Land())
        known.update(end=land.end(), writes=len(land.cluster.writes))
    return known["end"], known["writes"]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_p5_killed_at_any_write_it_ends_the_same(moment, undisturbed):
    """At every third write here; anywhere and repeatedly in the property test."""
    end, writes = await end_without_faults(undisturbed)
    for number in range(1, writes + 1, 3):
        land = Land()
        getattr(land.cluster, moment).append(refusing(number, Killed()))
        assert (await story(land)).end() == end, f"killed {moment} write {number}"
        assert land.deaths == 1


@pytest.mark.parametrize(
    "error",
    [Conflict("409"), Retryable("429", after=2.0), Retryable("500"), Retryable("no answer")],
    ids=str,
)
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_an_api_error_at_any_write_changes_nothing_in_the_end(moment, error, undisturbed):
    end, writes = await end_without_faults(undisturbed)
    for number in range(1 + len(str(error)) % 5, writes + 1, 8):
        land = Land()
        getattr(land.cluster, moment).append(refusing(number, error))
        assert (await story(land)).end() == end, f"{error} {moment} write {number}"


async def test_p1_a_failing_event_or_status_does_not_hold_up_the_fence():
    land = Land()
    land.prometheus.error_share.update(BAD)
    land.apply("v1")
    await land.settle()
    land.apply("v2")
    await land.until(lambda: "v2" in land.serving())

    def only_services(write):
        if write.kind != "Service":
            raise Retryable(f"{write.verb} {write.kind}: 500")

    land.cluster.before.append(only_services)
    await land.until(lambda: land.serving() == {"v1"}, within=60)
    assert land.status().candidate.tag == "v2"
    land.cluster.before.clear()
    await land.settle()
    assert land.outcomes()[0] == ("v2", "RolledBack")


@pytest.mark.parametrize("unreadable", ["Secret", "Pod"])
async def test_p1_what_cannot_be_read_does_not_hold_up_the_fence(unreadable, monkeypatch):
    """Secrets fail alone where the API server cannot decrypt them, long lists where they take long."""
    land = Land()
    land.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "licence", "namespace": "models"},
            "data": {"token": "b25l"},
        }
    )
    narrow = {**QUICK, "steps": [{"weight": 25, "hold": "1h"}]}
    land.apply("v1", rollout=narrow)
    await land.settle()
    land.apply("v2", secrets=[{"name": "licence"}])
    await land.until(lambda: "v2" in land.serving())
    await land.run(360)  # the children are due to be listed anew
    get, listed = Port.get, Port.list

    async def no_get(port, kind, namespace, name):
        if kind == unreadable:
            raise Retryable(f"get {kind}: 500")
        return await get(port, kind, namespace, name)

    async def no_list(port, kind, namespace, *, labels):
        if kind == unreadable:
            raise Retryable(f"list {kind}: 504")
        return await listed(port, kind, namespace, labels=labels)

    monkeypatch.setattr(Port, "get", no_get)
    monkeypatch.setattr(Port, "list", no_list)
    await land.run(330)
    land.prometheus.error_share.update(BAD)
    await land.until(lambda: land.serving() == {"v1"}, within=120)
    assert land.outcomes()[0] == ("v2", "RolledBack")


async def test_a_status_written_by_somebody_else_meanwhile_is_read_and_decided_again():
    land = Land()
    land.apply("v1")
    await land.settle()
    land.apply("v2")
    edits = []

    def interfere(write):
        if write.verb == "update_status" and not edits:
            edits.append(write)
            land.cluster.edit(KIND, "risk", lambda item: item["spec"].update(replicas=5))

    land.cluster.before.append(interfere)
    await land.settle()
    assert edits
    assert land.running() == {"v2": 5}


STATES = ["Preparing", "Canary", "Promoting", "probation", "taken back", "serving"]


async def in_state(state: str) -> Land:
    land = Land()
    narrow = {**QUICK, "steps": [{"weight": 25, "hold": "10s"}]}
    land.apply("v1", rollout=narrow)
    await land.settle()
    if state == "taken back":
        land.prometheus.error_share.update(BAD)
    if state == "Preparing":
        land.kubelets.ready_after = 20
    if state != "serving":
        land.apply("v2")
    match state:
        case "taken back":
            await land.settle()
        case "probation":
            await land.until(lambda: land.status().previous)
            await land.run(10)
        case "serving":
            await land.run(1)
        case "Promoting":
            await land.until(lambda: stage(land) == "Canary")
            land.kubelets.ready_after = 20
            await land.until(lambda: stage(land) == state)
        case _:
            await land.until(lambda: stage(land) == state)
            await land.run(7)
    return land


def stage(land: Land) -> str | None:
    candidate = land.status().candidate
    return candidate.stage.value if candidate else None


@pytest.mark.parametrize("state", STATES)
async def test_p5_a_new_operator_writes_nothing_but_the_status(state):
    """Objects are as they should be in every state; only evidence has to be asked for again."""
    land = await in_state(state)
    children = [w for w in written(land) if KIND not in w]
    before = land.status()
    land.restart()
    for process in land.processes:
        process.hear()
        await process.work()
    assert [w for w in written(land) if KIND not in w] == children
    if state in {"taken back", "serving"}:
        assert land.status() == before


async def test_p5_evidence_is_the_same_after_a_restart():
    land = await in_state("Canary")
    land.prometheus.error_share["v2"] = 0.012
    await land.run(6)
    key = land.operator.cache.parents()[0]
    known = land.operator.sampler.evidence(key)
    land.restart()
    land.operator.hear()
    await land.operator.work()
    await land.operator.sampler.poll()
    asked = land.operator.sampler.evidence(key)
    assert asked.family.states == known.family.states
    assert asked.trials == known.trials


async def test_p5_restarted_in_an_outage_it_holds_and_then_finds_the_same_verdict():
    land = await in_state("Canary")
    land.prometheus.mood = Mood.DOWN
    land.prometheus.error_share.update(BAD)
    land.restart()
    await land.run(60)
    assert land.status().candidate.tag == "v2"
    land.prometheus.mood = Mood.WELL
    await land.until(lambda: land.serving() == {"v1"}, within=10)


async def test_p5_of_two_operators_the_stale_one_writes_nothing():
    land = Land()
    land.apply("v1")
    await land.settle()

    def no_lease() -> None:
        raise NotLeader("this process holds no live lease")

    stale = Process(land, no_lease)
    land.processes.insert(0, stale)
    land.prometheus.error_share.update(BAD)
    land.apply("v2")
    await land.settle()
    assert not any(stale.passes)
    assert any(isinstance(error, NotLeader) for error in stale.retried)
    assert land.end()["outcomes"] == [("v2", "RolledBack"), ("v1", "Promoted")]


async def test_p5_two_operators_that_both_write_end_where_one_would():
    """The fence may fail by a clock; server-side apply and the status' lock must still agree."""
    alone = await story(Land())
    land = Land()
    land.processes.append(Process(land))
    await story(land)
    assert land.end() == alone.end()
