"""Two releases of the operator watch one object: only one writes, and the other says so."""

from tests.support.operation import NAMESPACE, Land, Process

from davylamp.controller.cluster.cache import Key

FIRST, SECOND = "davylamp-system/davylamp", "davylamp-system/other"
KEY = Key(NAMESPACE, "risk")


async def served() -> Land:
    land = Land()
    land.apply("v1")
    await land.settle()
    return land


def writes_of(land: Land) -> list[str]:
    """What was written about the object and its children, Events by their reasons."""
    return [write.body.get("reason", write.verb) for write in land.cluster.writes]


def join(land: Land) -> Process:
    second = Process(land, release="other")
    land.processes.append(second)
    return second


async def test_whoever_comes_second_leaves_the_object_to_the_first_and_says_so_once():
    land = await served()
    before = len(land.cluster.writes)
    second = join(land)
    await land.run(30)
    assert writes_of(land)[before:] == ["update_status", "update_status", "WatchedTwice"]
    [told] = [e["message"] for e in land.cluster.events if e["reason"] == "WatchedTwice"]
    assert FIRST in told
    assert SECOND in told
    assert land.status().operator.release == FIRST
    assert land.status().operator.contender is None
    land.apply("v2")
    await land.settle()
    assert land.serving() == {"v2"}
    assert land.told().count("WatchedTwice") == 1
    assert {w.kind for ws in second.passes for w in ws} <= {"ModelDeployment", "Event"}


async def test_both_at_once_end_with_one():
    land = Land()
    land.apply("v1")
    join(land)
    await land.settle()
    assert land.serving() == {"v1"}
    assert land.told().count("RolloutStarted") == 1
    assert land.told().count("WatchedTwice") == 1


async def test_a_release_that_does_not_answer_is_followed_by_the_one_that_asks():
    land = await served()
    join(land)
    land.processes.pop(0)
    land.apply("v2")
    await land.run(50)
    assert land.serving() == {"v1"}, "the first may be restarting"
    await land.settle()
    assert land.serving() == {"v2"}
    assert land.status().operator.release == SECOND
    assert land.told().count("TakenOver") == 1


async def test_a_release_that_went_away_for_good_after_it_had_answered_is_asked_again():
    land = await served()
    second = join(land)
    await land.run(30)
    land.processes.pop(0)
    await land.run(300)
    second.wake(KEY)
    await land.until(lambda: land.status().operator.release == SECOND, within=120)


async def test_a_change_that_nobody_looks_at_makes_the_other_ask_again_soon():
    land = await served()
    join(land)
    await land.run(30)
    land.processes.pop(0)
    land.apply("v2")
    await land.until(lambda: land.status().operator.release == SECOND, within=130)
    await land.settle()
    assert land.serving() == {"v2"}


async def test_an_invalid_spec_is_refused_by_the_one_that_looks_after_it():
    land = Land()
    land.apply("v1", seed=-1)
    await land.run(3)
    join(land)
    await land.run(30)
    assert land.status().operator.release == FIRST
    assert land.condition("Stalled")[1] == "InvalidSpec"


async def test_a_status_without_a_claim_is_not_written_for_the_claim_alone():
    """What an earlier version made stays as it is until something happens (P8)."""
    land = await served()

    def unclaimed(item: dict) -> None:
        del item["status"]["operator"]

    land.cluster.edit("ModelDeployment", "risk", unclaimed)
    before = len(land.cluster.writes)
    land.restart()
    await land.run(20)
    assert len(land.cluster.writes) == before
    land.apply("v2")
    await land.settle()
    assert land.status().operator.release == FIRST
