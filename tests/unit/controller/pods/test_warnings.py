"""What kubelets warn of pods is read in the background, seldom, and only where nothing else tells."""

import asyncio
import contextlib

import pytest

from davylamp.adapters.errors import Retryable, Terminal
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.pods import read_pod
from davylamp.controller.pods.events import newest_warning
from davylamp.controller.pods.warnings import MOST_READS, PATIENCE, PodWarnings

KEY = Key("models", "risk")
MOUNT = 'MountVolume.SetUp failed for volume "w" : configmap "weights" not found'
TOLD = 'configmap "weights" not found'
OBJECTS = frozenset({"weights"})


class Events:
    """A cluster of which only Events are asked."""

    def __init__(self):
        self.stored = {}
        self.asked = []
        self.error = None

    async def pod_warnings(self, namespace, uid):
        self.asked.append((namespace, uid))
        if self.error:
            raise self.error
        return self.stored.get(uid, [])


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def news():
    return []


@pytest.fixture
def warnings(events, clock, news):
    return PodWarnings(events, on_news=news.append, clock=clock)


def event(reason="FailedMount", message=MOUNT, at="2026-11-01T03:00:00Z", **fields):
    return {"reason": reason, "message": message, "lastTimestamp": at, **fields}


def pod(uid="u1", *, waiting="ContainerCreating", ready="False"):
    status = {"name": "model", "state": {"waiting": {"reason": waiting}}}
    return read_pod(
        {
            "metadata": {"name": f"pod-{uid}", "uid": uid},
            "spec": {"nodeName": "node-a", "volumes": [{"configMap": {"name": "weights"}}]},
            "status": {
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [status],
            },
        }
    )


def known(warnings, *pods):
    return [noted.state.event for noted in warnings.noted(KEY, pods)]


async def test_a_pod_that_does_not_start_is_asked_about_after_a_while(
    warnings, events, clock, news
):
    events.stored["u1"] = [event()]
    assert known(warnings, pod()) == [None]
    await warnings.poll()
    assert not events.asked
    clock.now += PATIENCE
    await warnings.poll()
    assert (events.asked, news) == ([("models", "u1")], [KEY])
    assert known(warnings, pod()) == [f"FailedMount: {TOLD}"]
    clock.now += PATIENCE * 2
    await warnings.poll()
    assert (len(events.asked), news) == (2, [KEY])


async def test_p9_nobody_is_asked_about_pods_that_say_it_themselves(warnings, events, clock):
    known(warnings, pod("a", waiting="ImagePullBackOff"), pod("b", ready="True"))
    clock.now += 3600
    await warnings.poll()
    assert not events.asked


async def test_readings_are_few(warnings, events, clock):
    pods = [pod(f"u{number}") for number in range(50)]
    for _ in range(1000):
        known(warnings, *pods)
        await warnings.poll()
        clock.now += 10
    assert len(events.asked) == 2 * MOST_READS


@pytest.mark.parametrize("error", [Retryable("503"), Terminal("Forbidden", "403"), KeyError("x")])
async def test_what_cannot_be_read_is_no_reason(warnings, events, clock, news, error):
    events.error = error
    known(warnings, pod())
    clock.now += PATIENCE
    await warnings.poll()
    assert (known(warnings, pod()), news) == ([None], [])
    events.error, events.stored["u1"] = None, [event()]
    clock.now += PATIENCE * 2
    await warnings.poll()
    assert known(warnings, pod()) == [f"FailedMount: {TOLD}"]


async def test_a_pod_that_started_is_forgotten(warnings, events, clock):
    events.stored["u1"] = [event()]
    known(warnings, pod())
    clock.now += PATIENCE
    await warnings.poll()
    assert known(warnings, pod(ready="True")) == [None]
    assert known(warnings, pod()) == [None]
    warnings.forget(KEY)
    clock.now += 3600
    await warnings.poll()
    assert len(events.asked) == 1


async def test_it_reads_by_itself(events, clock):
    told = asyncio.Event()
    warnings = PodWarnings(events, on_news=lambda _: told.set(), clock=clock)
    events.stored["u1"] = [event()]
    running = asyncio.create_task(warnings.run())
    known(warnings, pod("u1"))
    clock.now += PATIENCE
    known(warnings, pod("u1"), pod("u2"))
    async with asyncio.timeout(10):
        await told.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert events.asked == [("models", "u1")]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], None),
        ([event(message="")], "FailedMount"),
        ([event("Unhealthy", "x\x1b[31m\n" + "y" * 5000)], "Unhealthy"),
        (
            [
                event("Unhealthy", "Liveness probe failed: EOF", at="2026-11-01T03:09:00Z"),
                event("FailedMount", "old", at="2026-11-01T03:01:00Z"),
                event("FailedScheduling", "before it had a node", at="2026-11-01T03:10:00Z"),
            ],
            "Unhealthy: Liveness probe failed",
        ),
        (
            [
                event("FailedMount", "x", at="2026-11-01T03:01:00Z"),
                event("BackOff", "y", at=None, eventTime="2026-11-01T03:02:00.000001Z"),
            ],
            "BackOff",
        ),
        ([event("BackOff", "x"), {"reason": ["strange"], "message": 7}], "BackOff"),
        ([event("Invented", "by whoever may create Events")], None),
    ],
)
def test_the_newest_warning_is_told(events, words):
    assert newest_warning(events, OBJECTS) == words
