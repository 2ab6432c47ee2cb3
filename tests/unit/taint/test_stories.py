"""A canary secret in a pod never appears anywhere: whole stories, and all that is told of them."""

from collections.abc import Iterator

import pytest
import yaml
from tests.support import nights
from tests.support.fakeprometheus import Mood
from tests.support.kubelets import Health
from tests.support.operation import QUICK
from tests.support.taint import CANARY, SPOKEN, WRONG, TaintedLand, leaks

from davylamp.api.status import Stage
from davylamp.cli.replay.engine import replayed
from davylamp.cli.replay.input import past_attempt
from davylamp.cli.replay.report import as_json, as_text
from davylamp.cli.replay.sources.record import read_record
from davylamp.schema.pseudonyms import pseudonym

GATES = [
    {"name": "errors", "errorRate": {"max": "1%"}},
    {"name": "speed", "latency": {"over": "1s"}},
    {"name": "scores", "predictions": {}, "onFail": "Rollback"},
    {"name": "reasons", "explanations": {}, "onFail": "Rollback"},
    {"name": "groups", "bias": {}, "onFail": "Rollback"},
]
ROLLOUT = {**QUICK, "gates": GATES, "minRequests": 0, "deadline": "20m", "onDeadline": "Rollback"}


@pytest.fixture
def land() -> Iterator[TaintedLand]:
    land = TaintedLand()
    yield land
    land.close()


async def served(land: TaintedLand, **changes: object) -> None:
    land.apply("v1", rollout=ROLLOUT, **changes)
    await land.settle(1200)
    assert land.stable() == "v1"


def assert_nothing_told(land: TaintedLand) -> None:
    told = list(land.all_told())
    assert len(told) > 20
    for where, text in told:
        at = next((text.lower().find(half) for half in ("tigerlily", "quartzmoon")), -1)
        assert not leaks(text), f"{where}: {text[max(0, at - 300) : at + 100]}"


def messages(land: TaintedLand) -> str:
    return str(land.parent()["status"])


async def test_a_promotion_with_all_kinds_of_gates(land):
    await served(land)
    land.apply("v2")
    await land.settle(2000)
    assert land.stable() == "v2"
    assert pseudonym(f"{CANARY}-bmi") in str([w.body for w in land.cluster.writes])
    assert_nothing_told(land)


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_an_image_that_fails_a_check(land, wrong):
    await served(land)
    land.models.faults["v2"] = WRONG[wrong]
    land.apply("v2")
    await land.settle(1200)
    assert (land.stable(), land.rejected_reason()) == ("v1", "CheckFailed")
    assert_nothing_told(land)


@pytest.mark.parametrize(
    "health", [Health.CRASHES, Health.NEVER_READY, Health.NO_IMAGE, "OOMKilled"], ids=str
)
async def test_pods_that_do_not_start(land, health):
    await served(land)
    if health == "OOMKilled":
        land.kubelets.killed.add("v2")
        health = Health.CRASHES
    land.kubelets.health["v2"] = health
    land.apply("v2")
    await land.settle(1200)
    assert (land.stable(), land.outcomes()[0]) == ("v1", ("v2", "RolledBack"))
    assert_nothing_told(land)
    assert "; while the pod is there, see `kubectl " in messages(land)


@pytest.mark.parametrize("channel", ["everything shifts", "errors", "a crash in traffic"])
async def test_a_canary_that_is_rolled_back_and_replayed(land, channel):
    await served(land)
    land.prometheus.shifted = {"v2"} if channel == "everything shifts" else set()
    land.prometheus.error_share = {"v2": 0.3} if channel == "errors" else {}
    land.apply("v2")
    await land.until(lambda: land.status().candidate, within=1200)
    await land.until(lambda: land.status().candidate.stage is Stage.CANARY, within=1200)
    if channel == "a crash in traffic":
        await land.run(8)
        land.kubelets.health["v2"] = Health.CRASHES
    await land.settle(3000)
    assert (land.stable(), land.outcomes()[0]) == ("v1", ("v2", "RolledBack"))
    assert_nothing_told(land)
    name = land.status().history[0].recording
    rollout, measured = read_record("x", yaml.safe_dump(land.cluster.one("ConfigMap", name)))
    past = past_attempt(rollout, measured)
    replay = replayed(past)
    assert not leaks("\n".join([*as_text(past, replay), *as_json(replay)]))


async def test_a_promoted_revision_that_returns(land):
    await served(land)
    land.apply("v2")
    await land.until(lambda: land.status().previous, within=2000)
    land.prometheus.error_share = {"v2": 0.5}
    await land.settle(3000)
    assert land.stable() == "v1"
    assert_nothing_told(land)


REPORTS = {
    "drift": (3, nights.report("Drifted", 0.4, message=SPOKEN, rows=CANARY, **{CANARY: CANARY})),
    "none": (0, nights.report("Stable", message=CANARY, limit=CANARY, largest={"feature": CANARY})),
    "feature": (
        3,
        nights.report("Drifted", 0.4, largest={"feature": CANARY, "baseline": 0.1, "recent": 0.3}),
    ),
    "verdict": (0, nights.report(CANARY)),
    "format": (0, nights.report("Stable", format=CANARY)),
    "no report": (0, SPOKEN),
    "broken": (1, SPOKEN),
    "broken with a report": (1, nights.report("Undecided", message=SPOKEN)),
}


@pytest.mark.parametrize("night", REPORTS, ids=str)
async def test_a_night(land, night):
    await served(land, explanations={"onDrift": "RejectCandidate"})
    code, text = REPORTS[night]
    nights.ran(land, "night-1", code, text)
    await land.run(5)
    assert land.status().explanations.job == "night-1"
    assert_nothing_told(land)


@pytest.mark.parametrize("mood", [Mood.DOWN, Mood.NONSENSE, Mood.EMPTY])
async def test_metrics_that_are_missing(land, mood):
    await served(land)
    land.prometheus.mood = mood
    land.apply("v2")
    await land.run(90)
    assert_nothing_told(land)


async def test_names_that_the_spec_declares_are_shown_which_shows_that_the_search_finds(land):
    declared = [f"{CANARY}-bmi", f"{CANARY}-age"]
    land.prometheus.shifted = {"v2"}
    land.apply("v1", rollout={**ROLLOUT, "gates": GATES[3:4], "names": declared})
    await land.settle(1200)
    land.apply("v2")
    await land.settle(3000)
    assert "GateFailed" in land.rejected_reason()
    assert f"feature {CANARY}-bmi 10 % against 60 %" in messages(land)
    spoken = [c.message for c in land.status().conditions]
    assert any(leaks(text) for text in spoken)
