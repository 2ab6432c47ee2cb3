"""Errands by a virtual clock: side by side, each once, and none waits for a neighbour's."""

import asyncio
from functools import partial

import pytest

from davylamp.controller.fairness.errands import Errands

pytestmark = pytest.mark.looptime


def now() -> float:
    return asyncio.get_running_loop().time()


class Work:
    """Errands that take their time, and when they began."""

    def __init__(self, share: int) -> None:
        self.began: dict[str, float] = {}
        self.ended = 0
        self.errands: Errands[str] = Errands(share, on_end=self.note_end)

    def note_end(self) -> None:
        self.ended += 1

    def start(self, namespace: str, name: str, takes: float = 1.0) -> None:
        self.errands.start(namespace, name, partial(self.do, name, takes))

    async def do(self, name: str, takes: float) -> None:
        self.began[name] = now()
        await asyncio.sleep(takes)


async def test_a_neighbours_errands_that_hang_delay_nobody():
    work = Work(4)
    for n in range(500):
        work.start("hostile", f"h{n}", takes=30.0)
    await asyncio.sleep(10)
    work.start("victim", "v")
    await asyncio.sleep(0)
    assert work.began["v"] == 10
    assert len(work.began) == 5
    await work.errands.end()


async def test_with_more_hostile_namespaces_than_slots_the_wait_is_one_errand_of_each():
    work = Work(2)
    for namespace in range(9):
        for n in range(50):
            work.start(f"hostile-{namespace}", f"h{namespace}-{n}", takes=8.0)
    work.start("victim", "v")
    await asyncio.sleep(100)
    assert work.began["v"] <= 3 * 8.0, "nine namespaces before it, four slots, 8 s each"
    await work.errands.end()


async def test_one_alone_has_as_many_as_its_share_all_the_time():
    work = Work(4)
    for n in range(40):
        work.start("alone", f"a{n}")
    await work.errands.settle()
    assert max(work.began.values()) == 9
    assert work.ended == 40


async def test_an_errand_is_there_once():
    work = Work(1)
    work.start("a", "x")
    work.start("a", "x")
    await work.errands.settle()
    assert now() == 1
    work.start("a", "x")
    assert "x" in work.errands
    await work.errands.settle()
    assert now() == 2


async def test_dropped_before_or_during_its_work_it_gives_its_slot_back():
    work = Work(1)
    for name in "abc":
        work.start("a", name, takes=100.0)
    work.errands.drop("a")  # has a slot, and has not made its first step
    work.errands.drop("b")  # waits
    work.errands.drop("nobody")
    await asyncio.sleep(5)
    assert work.began == {"c": 0}
    work.errands.drop("c")
    work.start("a", "d")
    await work.errands.settle()
    assert work.began == {"c": 0, "d": 5}


async def test_a_bug_in_one_is_logged_and_the_next_has_its_turn(caplog):
    work = Work(1)

    async def fail() -> None:
        raise RuntimeError("boom")

    work.errands.start("a", "bug", fail)
    work.start("a", "next")
    await work.errands.settle()
    assert "next" in work.began
    assert "boom" in caplog.text


async def test_after_the_end_nothing_runs():
    work = Work(1)
    for name in "abc":
        work.start("a", name)
    await asyncio.sleep(0)
    await work.errands.end()
    await asyncio.sleep(10)
    assert work.began == {"a": 0}
