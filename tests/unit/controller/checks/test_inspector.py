"""Pods are asked in the background: at once, again while they are silent, and never once it is known."""

import asyncio
import contextlib
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.contract import ALL, EXPECTED, Server, as_text

from davylamp.adapters.pods.model_server import PodAddress
from davylamp.checks import CheckVerdict, Silent
from davylamp.controller.checks import inspector as module
from davylamp.controller.checks import visit
from davylamp.controller.checks.inspections import Inspection
from davylamp.controller.checks.inspector import AGAIN, SELDOM, Inspector
from davylamp.controller.cluster.cache import Key

A, B = Key("models", "a"), Key("models", "b")
NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
POD = PodAddress("a-1", "uid-1", "10.0.0.1", 8080)
ASKED = Inspection("aaaaaaaaaa", NOW, ALL, EXPECTED, POD)


class Pods:
    """Every pod is the same server."""

    def __init__(self) -> None:
        self.server = Server()
        self.now = 0.0
        self.hangs = False
        self.at_once = 0
        self.most_at_once = 0

    async def get(self, pod, path):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(3600 if self.hangs else 0.001)
        self.at_once -= 1
        return as_text(self.server.get_manifest())

    async def post(self, pod, path, body):
        return as_text(self.server.post(path, json.loads(body)))


@pytest.fixture
def pods():
    return Pods()


@pytest.fixture
def told():
    return {"news": [], "results": []}


@pytest.fixture
def inspector(pods, told):
    return Inspector(
        pods,
        on_news=told["news"].append,
        on_result=lambda key, r: told["results"].append((key.name, r.name, r.verdict, r.reason)),
        clock=lambda: pods.now,
    )


def silent(pods):
    pods.server.answer("/predict", lambda _: Silent("POST /predict answered 503"))


async def test_all_checks_are_answered_by_one_visit(inspector, pods, told):
    inspector.follow(A, ASKED)
    assert inspector.inspected(A) is None
    await inspector.poll()
    found = inspector.inspected(A)
    assert (found.revision, found.since) == (ASKED.revision, NOW)
    assert [(r.name, r.verdict) for r in found.results] == [(n, "Pass") for n in ALL]
    assert told["news"] == [A]
    assert len(told["results"]) == 4
    assert pods.server.asked == ["/manifest", *["/predict"] * 2, *["/explain"] * 2]


async def test_what_is_known_is_not_asked_again(inspector, pods):
    inspector.follow(A, ASKED)
    await inspector.poll()
    asked = len(pods.server.asked)
    pods.now += 3600
    inspector.follow(A, ASKED)
    await inspector.poll()
    assert len(pods.server.asked) == asked


async def test_silence_is_asked_again_and_told_once(inspector, pods, told):
    silent(pods)
    inspector.follow(A, ASKED)
    for _ in range(5):
        await inspector.poll()
        pods.now += AGAIN
    visits = pods.server.asked.count("/manifest")
    assert visits == 5
    assert told["news"] == [A]
    pods.server.answer("/predict", lambda found: found)
    await inspector.poll()
    assert {r.verdict for r in inspector.inspected(A).results} == {CheckVerdict.PASS}
    assert told["news"] == [A, A]
    golden = [r[2:] for r in told["results"] if r[1] == "Golden"]
    assert golden == [("Unknown", "Unreachable"), ("Pass", "PredictionsReproduced")]
    assert len(told["results"]) == 5


async def test_the_first_silence_ends_a_visit(inspector, pods):
    silent(pods)
    inspector.follow(A, ASKED)
    await inspector.poll()
    assert pods.server.asked.count("/predict") == 1


async def test_long_silence_is_asked_less_and_less_often(inspector, pods):
    silent(pods)
    inspector.follow(A, ASKED)
    while pods.now < 3600:
        await inspector.poll()
        pods.now += 1
    assert 60 < pods.server.asked.count("/manifest") < 130
    last = pods.server.asked.count("/manifest")
    pods.now += SELDOM
    await inspector.poll()
    assert pods.server.asked.count("/manifest") == last + 1


async def test_another_pod_or_another_rollout_is_asked_anew(inspector, pods):
    inspector.follow(A, ASKED)
    await inspector.poll()
    for other in (
        replace(ASKED, pod=replace(POD, uid="uid-2")),
        replace(ASKED, since=NOW.replace(hour=4)),
    ):
        inspector.follow(A, other)
        assert inspector.inspected(A) is None
        await inspector.poll()
        assert inspector.inspected(A).since == other.since
    assert pods.server.asked.count("/manifest") == 3


async def test_an_answer_that_comes_too_late_is_nobodys(inspector, pods, told):
    inspector.follow(A, ASKED)
    visit = asyncio.create_task(inspector.poll())
    await asyncio.sleep(0)
    inspector.follow(A, None)
    await visit
    assert inspector.inspected(A) is None
    assert told == {"news": [], "results": []}


async def test_a_visit_that_takes_too_long_is_silence(inspector, pods, monkeypatch):
    monkeypatch.setattr(visit, "LONGEST", 0.05)
    pods.hangs = True
    inspector.follow(A, ASKED)
    await inspector.poll()
    assert {r.verdict for r in inspector.inspected(A).results} == {CheckVerdict.UNKNOWN}


async def test_a_bug_met_by_one_is_logged_and_does_not_stop_the_others(
    inspector, pods, told, caplog
):
    broken = replace(ASKED, expected=None)
    inspector.follow(A, broken)
    inspector.follow(B, ASKED)
    with caplog.at_level(logging.ERROR):
        await inspector.poll()
    assert "checking failed" in caplog.text
    assert (inspector.inspected(A), told["news"]) == (None, [B])
    pods.now += AGAIN
    await inspector.poll()
    assert pods.server.asked.count("/manifest") == 3


async def test_few_pods_are_asked_at_the_same_time(inspector, pods):
    for number in range(20):
        inspector.follow(Key("models", f"m{number}"), ASKED)
    await inspector.poll()
    assert pods.most_at_once == module.PODS_AT_A_TIME


@contextlib.asynccontextmanager
async def running(inspector):
    task = asyncio.create_task(inspector.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def seen(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - tests look from outside
            await asyncio.sleep(0.005)


async def test_the_loop_asks_what_is_due_and_sleeps_otherwise(pods, told):
    inspector = Inspector(pods, on_news=told["news"].append)
    async with running(inspector):
        inspector.follow(A, ASKED)
        await seen(lambda: told["news"] == [A])
        inspector.follow(B, ASKED)
        await seen(lambda: told["news"] == [A, B])
    assert pods.server.asked.count("/manifest") == 2


async def test_the_loop_asks_again_after_a_while(pods, told, monkeypatch):
    monkeypatch.setattr(module, "AGAIN", 0.02)
    silent(pods)
    inspector = Inspector(pods, on_news=told["news"].append)
    async with running(inspector):
        inspector.follow(A, ASKED)
        await seen(lambda: pods.server.asked.count("/manifest") == 3)
        pods.server.answer("/predict", lambda found: found)
        await seen(lambda: len(told["news"]) == 2)


async def test_a_pod_that_hangs_holds_up_nobody_else(pods, told):
    inspector = Inspector(pods, on_news=told["news"].append)
    async with running(inspector):
        pods.hangs = True
        inspector.follow(A, ASKED)
        await seen(lambda: pods.at_once == 1)
        pods.hangs = False
        inspector.follow(B, ASKED)
        await seen(lambda: told["news"] == [B])
