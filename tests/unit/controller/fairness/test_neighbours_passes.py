"""Passes, checks and warnings of kubelets: a hostile namespace beside a victim, by a virtual clock."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.contract import ALL, EXPECTED, Server, as_text

from davylamp.adapters.errors import Retryable
from davylamp.adapters.pods.model_server import PodAddress
from davylamp.controller.checks.inspections import Inspection
from davylamp.controller.checks.inspector import Inspector
from davylamp.controller.checks.visit import LONGEST
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.pods import read_pod
from davylamp.controller.endpoints import STUCK_AFTER
from davylamp.controller.pods.warnings import APART, PATIENCE, PodWarnings
from davylamp.controller.workqueue import (
    PASSES_IN_A_ROW,
    PASSES_PER_SECOND,
    WorkQueue,
)

pytestmark = pytest.mark.looptime

VICTIM = Key("victim", "risk")
HOSTILE = [Key("hostile", f"h{number}") for number in range(500)]
HANGS = 20.0
"""Seconds that a pass takes at most whose writes all run into their time-outs."""
SINCE = datetime(2026, 11, 1, 3, tzinfo=UTC)


def now() -> float:
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def working(run: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    """Let the event loop turn, without letting time pass, until something holds."""
    for _ in range(10_000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("not within ten thousand turns of the event loop")


# --- passes --------------------------------------------------------------------------------------


class Passes:
    """When passes over each key began; those of the hostile namespace hang, or take no time."""

    def __init__(self, takes: float) -> None:
        self.takes = takes
        self.began: dict[Key, list[float]] = {}
        self.queue: WorkQueue[Key] = WorkQueue(
            self.process, workers=16, owner=lambda key: key.namespace
        )

    async def process(self, key: Key) -> float | None:
        self.began.setdefault(key, []).append(now())
        if self.takes and key.namespace == "hostile":
            await asyncio.sleep(self.takes)
            raise Retryable("the webhook does not answer")
        return None


async def test_a_neighbours_passes_that_hang_delay_no_pass():
    passes = Passes(takes=HANGS)
    async with working(passes.queue.run):
        for key in HOSTILE:
            passes.queue.add(key)
        await asyncio.sleep(100)
        for n in range(1, 100):
            passes.queue.add(VICTIM)
            await asyncio.sleep(1)
            assert passes.began[VICTIM][-1] == 99 + n, "at once"


async def test_passes_that_hang_do_not_make_the_process_look_stuck():
    """Else its liveness probe would have it restarted, with all its neighbours' rollouts."""
    passes = Passes(takes=HANGS)
    async with working(passes.queue.run):
        for key in HOSTILE:
            passes.queue.add(key)
        ages = []
        for _ in range(900):
            await asyncio.sleep(1)
            ages.append(passes.queue.oldest_age())
    assert max(ages) <= HANGS + 1 < STUCK_AFTER
    assert len(passes.began) == len(HOSTILE), "it took longer than that to come round"


async def test_passes_that_hang_in_very_many_namespaces_do_not_make_the_process_look_stuck():
    """What waits for their turns is late, and the metric says so; a restart would not make it earlier."""
    crowd = [Key(f"hostile-{number}", "h") for number in range(700)]
    began = set[Key]()

    async def hang(key: Key) -> float | None:
        began.add(key)
        await asyncio.sleep(0 if key == VICTIM else HANGS)
        return None

    queue: WorkQueue[Key] = WorkQueue(hang, workers=16, owner=lambda key: key.namespace)
    async with working(queue.run):
        for key in (*crowd, VICTIM):
            queue.add(key)
        ages, stuck = [], []
        while VICTIM not in began:
            await asyncio.sleep(1)
            ages.append(queue.oldest_age())
            stuck.append(queue.stuck_for())
    assert max(ages) > STUCK_AFTER, "else there is nothing to see here"
    assert max(stuck) <= HANGS + 1


async def test_a_pass_that_never_ends_makes_the_process_look_stuck_whatever_else_goes_on():
    async def forever(key: Key) -> float | None:
        await asyncio.sleep(10_000 if key == VICTIM else 1)
        return 1.0

    queue: WorkQueue[Key] = WorkQueue(forever, workers=16, owner=lambda key: key.namespace)
    async with working(queue.run):
        for key in (*HOSTILE[:3], VICTIM):
            queue.add(key)
        await asyncio.sleep(400)
        assert queue.stuck_for() > STUCK_AFTER


async def test_objects_that_change_all_the_time_delay_a_pass_by_one_of_theirs():
    passes, order = Passes(takes=0.0), []
    passes.queue = WorkQueue(
        passes.process,
        workers=16,
        owner=lambda key: key.namespace,
        on_pass=lambda key, _outcome, _seconds: order.append(key),
    )
    for key in HOSTILE:
        passes.queue.add(key)
    async with working(passes.queue.run):
        await until(lambda: len(order) >= 100)
        passes.queue.add(VICTIM)
        before = len(order)
        await until(lambda: VICTIM in order)
    assert order.index(VICTIM) - before <= 2, "one under way, and one whose turn it was"


async def test_passes_without_waiting_leave_the_event_loop_to_others_between_any_two():
    passes, others, most, last = Passes(takes=0.0), 0, 0, 0
    for key in HOSTILE:
        passes.queue.add(key)
    async with working(passes.queue.run):
        while len(passes.began) < len(HOSTILE):
            await asyncio.sleep(0)
            others += 1
            most, last = max(most, len(passes.began) - last), len(passes.began)
    assert most <= 2
    assert others >= len(HOSTILE) / 2


async def test_one_object_that_changes_all_the_time_has_its_passes_at_a_pace():
    """A command or a field that is toggled ten times a second: what it costs has a bound."""
    passes = Passes(takes=0.0)
    async with working(passes.queue.run):
        for _ in range(600):
            passes.queue.add(VICTIM)
            await asyncio.sleep(0.1)
        number = len(passes.began[VICTIM])
        assert number <= PASSES_IN_A_ROW + PASSES_PER_SECOND * 60 + 1
        before = now()
        passes.queue.add(VICTIM)
        await asyncio.sleep(1)
        assert passes.began[VICTIM][-1] - before <= 1 / PASSES_PER_SECOND, "the last change counts"


# --- checks --------------------------------------------------------------------------------------


class Models:
    """Servers; those of the hostile namespace accept a connection and never answer."""

    def __init__(self) -> None:
        self.server = Server()
        self.asked: list[tuple[float, str]] = []
        self.waiting = 0

    async def get(self, pod, path):
        self.asked.append((now(), pod.name))
        self.waiting += 1
        try:
            await asyncio.sleep(3600 if pod.name.startswith("h") else 0.01)
        finally:
            self.waiting -= 1
        return as_text(self.server.get_manifest())

    async def post(self, _pod, path, body):
        return as_text(self.server.post(path, json.loads(body)))


def inspection(name: str, since: datetime = SINCE) -> Inspection:
    return Inspection("a" * 10, since, ALL, EXPECTED, PodAddress(name, name, "10.0.0.1", 8080))


async def test_pods_that_never_answer_delay_no_neighbours_check():
    models = Models()
    inspector = Inspector(models, on_news=lambda _: None, clock=now)
    async with working(inspector.run):
        for key in HOSTILE:
            inspector.follow(key, inspection(key.name))
        await asyncio.sleep(LONGEST / 2)
        inspector.follow(VICTIM, inspection("v"))
        await asyncio.sleep(1)
        assert inspector.inspected(VICTIM)
        assert models.waiting == 16, "half of the slots"


async def test_a_rollout_that_begins_anew_all_the_time_is_asked_about_once_at_a_time():
    models = Models()
    inspector = Inspector(models, on_news=lambda _: None, clock=now)
    async with working(inspector.run):
        for n in range(500):
            inspector.follow(HOSTILE[0], inspection("h", SINCE + timedelta(seconds=n)))
            await asyncio.sleep(0.1)
        assert models.waiting == 1
        assert len(asyncio.all_tasks()) < 10
    assert models.waiting == 0


# --- warnings of kubelets ------------------------------------------------------------------------


class Events:
    """A cluster that takes its time to list Events of the hostile namespace."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str]] = []

    async def pod_warnings(self, namespace, uid):
        self.asked.append((now(), namespace))
        await asyncio.sleep(5.0 if namespace == "hostile" else 0.01)
        return []


def starting(name: str):
    waiting = {"name": "model", "state": {"waiting": {"reason": "ContainerCreating"}}}
    item = {
        "metadata": {"name": name, "uid": name},
        "spec": {"nodeName": "node-a"},
        "status": {
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [waiting],
        },
    }
    return read_pod(item)


async def test_pods_that_do_not_start_delay_nobody_elses_warnings():
    events = Events()
    warnings = PodWarnings(events, on_news=lambda _: None, clock=now)
    async with working(warnings.run):
        for key in HOSTILE:
            warnings.noted(key, [starting(f"{key.name}-1"), starting(f"{key.name}-2")])
        await asyncio.sleep(60)
        warnings.noted(VICTIM, [starting("v")])
        began = now()
        await asyncio.sleep(20)
        asked = [at for at, namespace in events.asked if namespace == "victim"]
        assert asked[0] - began == pytest.approx(PATIENCE, abs=0.01)
        hostile = [at for at, namespace in events.asked if namespace == "hostile"]
        assert len(hostile) <= now() / (5.0 + APART) + 1, "one at a time"
