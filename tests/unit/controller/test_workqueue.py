"""The work queue on a virtual clock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from davylamp.adapters.errors import Retryable, Terminal
from davylamp.controller.workqueue import Backoff, PassOutcome, WorkQueue

pytestmark = pytest.mark.looptime

STEADY = Backoff(jitter=0.0)


class Story:
    """Processes keys, keeps when it was called, and does what `scripts` say for a key."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, str]] = []
        self.scripts: dict[str, list[float | BaseException | None]] = {}
        self.takes = 0.0
        self.active: list[str] = []
        self.most = 0
        self.during: Callable[[str], None] = lambda _: None

    async def process(self, key: str) -> float | None:
        assert key not in self.active, "one worker per key"
        self.active.append(key)
        self.most = max(self.most, len(self.active))
        self.calls.append((now(), key))
        try:
            self.during(key)
            await asyncio.sleep(self.takes)
        finally:
            self.active.remove(key)
        script = self.scripts.get(key)
        step = script.pop(0) if script else None
        if isinstance(step, BaseException):
            raise step
        return step

    def times(self, key: str) -> list[float]:
        return [round(when, 3) for when, called in self.calls if called == key]


def now() -> float:
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def running(queue: WorkQueue[str]) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        await queue.stop(grace=1.0)
        await task


@pytest.fixture
def story() -> Story:
    return Story()


async def test_a_key_added_often_is_processed_once(story: Story) -> None:
    queue = WorkQueue(story.process)
    for _ in range(5):
        queue.add("a")
    assert queue.depth == 1
    async with running(queue):
        await asyncio.sleep(1)
    assert story.times("a") == [0]


async def test_first_come_first_served(story: Story) -> None:
    queue = WorkQueue(story.process, workers=1)
    for key in "cab":
        queue.add(key)
    async with running(queue):
        await asyncio.sleep(1)
    assert [key for _, key in story.calls] == ["c", "a", "b"]


async def test_a_key_added_while_it_is_processed_runs_again_afterwards(story: Story) -> None:
    story.takes = 2.0
    queue = WorkQueue(story.process)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(0.5)
        queue.add("a")
        queue.add("a")
        assert queue.depth == 1
        await asyncio.sleep(10)
    assert story.times("a") == [0, 2]


async def test_different_keys_share_the_workers(story: Story) -> None:
    story.takes = 1.0
    queue = WorkQueue(story.process, workers=3)
    async with running(queue):
        for key in "abcdefg":
            queue.add(key)
        await asyncio.sleep(5)
    assert story.most == 3
    assert len(story.calls) == 7
    assert story.times("g") == [2]


async def test_the_earliest_wake_up_wins(story: Story) -> None:
    queue = WorkQueue(story.process)
    async with running(queue):
        queue.add_after("a", 10)
        queue.add_after("a", 3)
        queue.wake_at("a", 7)
        await asyncio.sleep(20)
    assert story.times("a") == [3]


async def test_each_pass_replaces_the_wake_up(story: Story) -> None:
    story.scripts["a"] = [30.0, None]
    queue = WorkQueue(story.process)
    async with running(queue):
        queue.add_after("a", 10)
        queue.add("a")
        await asyncio.sleep(100)
    assert story.times("a") == [0, 30]


async def test_a_wake_up_asked_for_during_the_pass_stays(story: Story) -> None:
    story.scripts["a"] = [30.0, None]
    queue = WorkQueue(story.process)
    story.during = lambda key: queue.add_after(key, 5) if now() < 1 else None
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(100)
    assert story.times("a") == [0, 5]


async def test_retries_back_off_and_start_over_after_success(story: Story) -> None:
    trouble = Retryable("no answer")
    story.scripts["a"] = [trouble, trouble, trouble, 100.0, trouble, None]
    queue = WorkQueue(story.process, backoff=STEADY)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(300)
    assert story.times("a") == [0, 0.5, 1.5, 3.5, 103.5, 104]


async def test_the_delay_asked_for_is_kept(story: Story) -> None:
    story.scripts["a"] = [Retryable("slow down", after=7.0)]
    queue = WorkQueue(story.process, backoff=STEADY)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(20)
    assert story.times("a") == [0, 7]


async def test_terminal_waits_for_a_change(story: Story) -> None:
    story.scripts["a"] = [Retryable("x"), Terminal("Invalid", "spec.replicas"), None]
    queue = WorkQueue(story.process, backoff=STEADY)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(1000)
        assert story.times("a") == [0, 0.5]
        queue.add("a")
        await asyncio.sleep(1)
    assert story.times("a") == [0, 0.5, 1000]


async def test_a_bug_in_one_object_stops_neither_it_nor_the_others(story: Story, caplog) -> None:
    story.scripts["a"] = [ZeroDivisionError(), None]
    queue = WorkQueue(story.process, workers=1, backoff=STEADY)
    async with running(queue):
        queue.add("a")
        queue.add("b")
        await asyncio.sleep(10)
    assert (story.times("a"), story.times("b")) == ([0, 0.5], [0])
    assert "ZeroDivisionError" in caplog.text


async def test_passes_are_reported(story: Story) -> None:
    story.scripts["a"] = [Retryable("x"), OSError(), Terminal("R", "m")]
    passes: list[tuple[str, PassOutcome, float]] = []
    story.takes = 0.25
    queue = WorkQueue(story.process, backoff=STEADY, on_pass=lambda *told: passes.append(told))
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(10)
        queue.add("a")
        await asyncio.sleep(1)
    assert [outcome for _, outcome, _ in passes] == ["retry", "bug", "terminal", "success"]
    assert {seconds for *_, seconds in passes} == {0.25}


def test_backoff_grows_to_its_bound_and_only_jitters_downwards() -> None:
    backoff = Backoff()
    assert [STEADY.delay(n) for n in (1, 2, 3, 10, 11, 5000)] == [0.5, 1, 2, 256, 300, 300]
    assert STEADY.delay(1, asked=9999) == 300
    delays = [backoff.delay(4) for _ in range(200)]
    assert 3.2 <= min(delays) < max(delays) <= 4.0


async def test_a_hanging_pass_is_seen_in_the_oldest_age(story: Story) -> None:
    story.takes = 1000.0
    queue = WorkQueue(story.process, workers=1)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(5)
        queue.add("b")
        await asyncio.sleep(5)
        assert (queue.depth, queue.oldest_age()) == (1, 10)


async def test_an_idle_queue_has_no_age(story: Story) -> None:
    queue = WorkQueue(story.process)
    async with running(queue):
        queue.add_after("a", 1000)
        await asyncio.sleep(5)
        assert (queue.depth, queue.oldest_age()) == (0, 0)


async def test_a_standby_collects_keys_and_has_no_age(story: Story) -> None:
    queue = WorkQueue(story.process)
    queue.add("a")
    await asyncio.sleep(60)
    assert (queue.depth, queue.oldest_age()) == (1, 0)
    async with running(queue):
        await asyncio.sleep(1)
    assert story.times("a") == [60]


async def test_stop_lets_passes_finish_and_starts_no_more(story: Story) -> None:
    story.takes = 3.0
    queue = WorkQueue(story.process, workers=1)
    task = asyncio.create_task(queue.run())
    queue.add("a")
    queue.add("b")
    await asyncio.sleep(1)
    await queue.stop(grace=10)
    await task
    assert now() == pytest.approx(3)
    assert story.times("b") == []
    assert queue.depth == 1


async def test_stop_cancels_what_hangs_and_running_again_takes_up_the_rest(story: Story) -> None:
    story.takes = 1000.0
    queue = WorkQueue(story.process, workers=1)
    task = asyncio.create_task(queue.run())
    queue.add("a")
    queue.add("b")
    await asyncio.sleep(1)
    await queue.stop(grace=2)
    await task
    assert now() == pytest.approx(3)
    story.takes = 0.0
    async with running(queue):
        await asyncio.sleep(1)
    assert story.times("b") == [3]
    assert story.times("a") == [0, 3]


async def test_stop_before_run_is_harmless(story: Story) -> None:
    await WorkQueue(story.process).stop()


async def test_cancelling_run_cancels_the_passes(story: Story) -> None:
    story.takes = 1000.0
    queue = WorkQueue(story.process)
    task = asyncio.create_task(queue.run())
    queue.add("a")
    await asyncio.sleep(1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert story.active == []
    assert queue.oldest_age() == 0


async def test_a_forgotten_key_is_not_woken(story: Story) -> None:
    queue = WorkQueue(story.process)
    async with running(queue):
        queue.add_after("a", 5)
        queue.forget("a")
        await asyncio.sleep(20)
    assert story.calls == []


async def test_a_pass_can_forget_its_own_key(story: Story) -> None:
    queue = WorkQueue(story.process)
    story.during = queue.forget
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(1)
    assert story.times("a") == [0]
