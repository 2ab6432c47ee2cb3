"""Whole rollouts on a fake cluster: the reconciler with its real manifests, cache and sampler."""

import pytest
from tests.support.fakeprometheus import Mood
from tests.support.kubelets import Health
from tests.support.operation import QUICK, Land

from davylamp.api.names import Command
from davylamp.api.status import Stage

MAIN = "apply Service risk"


async def served(tag: str = "v1", **changes: object) -> Land:
    """A land in which a first revision serves."""
    land = Land()
    land.apply(tag, **changes)
    await land.settle()
    return land


async def in_canary(land: Land, tag: str = "v2") -> Land:
    land.apply(tag)
    await land.until(lambda: land.serving() == {"v1", tag})
    return land


def revision(land: Land, tag: str) -> str:
    found = land.cluster.find("ControllerRevision")
    labels = (item["metadata"]["labels"] for item in found)
    return next(
        each["davylamp.dev/revision"] for each in labels if each["app.kubernetes.io/version"] == tag
    )


def first_write_of(land: Land, reason: str) -> str:
    """The first write of the pass that told a reason."""
    first = next(
        writes[0]
        for writes in land.operator.passes
        if any(write.body.get("reason") == reason for write in writes)
    )
    return f"{first.verb} {first.kind} {first.name}"


async def test_the_first_revision_serves_without_a_canary():
    land = await served()
    assert land.serving() == {"v1"}
    assert land.running() == {"v1": 4}
    assert land.outcomes() == [("v1", "Promoted")]
    assert land.condition("Ready")[:2] == ("True", "Serving")


async def test_a_good_revision_is_promoted_step_by_step():
    land = await served()
    shares = set()
    land.apply("v2")
    while land.stable() != "v2":
        await land.tick()
        if candidate := land.status().candidate:
            shares.add(candidate.actual_weight)
    assert shares == {0, 20, 50}
    await land.settle()
    assert land.serving() == {"v2"}
    assert land.running() == {"v2": 4}
    assert land.outcomes() == [("v2", "Promoted"), ("v1", "Promoted")]
    assert not land.prometheus.served["none"]


async def test_p1_a_bad_revision_is_fenced_first_and_taken_back():
    land = await served()
    land.prometheus.error_share["v2"] = 0.3
    land.apply("v2")
    await land.settle()
    assert land.serving() == {"v1"}
    assert land.running() == {"v1": 4}
    assert land.outcomes()[0] == ("v2", "RolledBack")
    assert land.condition("Stalled")[1] == "RolledBack"
    assert first_write_of(land, "RolledBack") == MAIN


async def test_p1_an_abort_is_fenced_first():
    land = await in_canary(await served())
    land.say(Command.ABORT, revision(land, "v2"))
    await land.tick()
    assert land.serving() == {"v1"}
    assert land.outcomes()[0] == ("v2", "Aborted")
    assert first_write_of(land, "Aborted") == MAIN


async def test_p1_a_superseded_candidate_is_fenced_first():
    land = await in_canary(await served())
    land.apply("v3")
    await land.tick()
    assert land.serving() == {"v1"}
    assert first_write_of(land, "Superseded") == MAIN
    await land.settle()
    assert land.serving() == {"v3"}
    assert land.running() == {"v3": 4}


async def test_p1_a_revision_that_turns_bad_in_probation_is_fenced_first():
    land = await served()
    land.apply("v2")
    await land.until(lambda: land.stable() == "v2")
    land.prometheus.error_share["v2"] = 0.3
    await land.until(lambda: land.stable() == "v1")
    assert land.serving() == {"v1"}
    assert first_write_of(land, "RolledBack") == MAIN
    await land.settle()
    assert land.running() == {"v1": 4}


@pytest.mark.parametrize("health", [Health.CRASHES, Health.NO_IMAGE, Health.NEVER_READY])
async def test_a_broken_revision_never_gets_traffic(health):
    land = await served()
    land.kubelets.health["v2"] = health
    land.apply("v2")
    await land.settle()
    assert not land.prometheus.served["v2"]
    assert land.outcomes()[0] == ("v2", "RolledBack")
    assert land.running() == {"v1": 4}


async def test_an_earlier_revision_serves_again_without_a_canary():
    land = await served()
    land.apply("v2")
    await land.settle()
    templates = {d["metadata"]["name"]: d["spec"]["template"] for d in deployments(land)}
    land.apply("v1")
    await land.until(lambda: land.serving() == {"v1"}, within=15)
    await land.settle()
    assert land.outcomes()[0] == ("v1", "Returned")
    assert land.running() == {"v1": 4}
    assert templates == {d["metadata"]["name"]: d["spec"]["template"] for d in deployments(land)}


def deployments(land: Land) -> list:
    return land.cluster.find("Deployment")


async def test_p6_a_rejected_revision_applied_again_gets_no_traffic_until_retried():
    land = await served()
    land.prometheus.error_share["v2"] = 0.3
    land.apply("v2")
    await land.settle()
    before = land.prometheus.served["v2"]
    land.apply("v1")
    await land.run(10)
    land.apply("v2")
    await land.run(60)
    assert land.prometheus.served["v2"] == before
    land.prometheus.error_share["v2"] = 0
    land.say(Command.RETRY, revision(land, "v2"))
    await land.until(lambda: land.stable() == "v2")


@pytest.mark.parametrize(
    ("mood", "reason"), [(Mood.DOWN, "SourceDown"), (Mood.NONSENSE, "BadAnswer")]
)
async def test_p3_without_an_answer_nothing_moves_and_the_status_says_why(mood, reason):
    land = await in_canary(await served())
    await land.run(3)
    land.prometheus.mood = mood
    weights = land.status().candidate.weights
    await land.run(120)
    candidate = land.status().candidate
    assert candidate.weights == weights
    assert [gate.reason for gate in candidate.gates] == [reason]
    assert land.serving() == {"v1", "v2"}
    land.prometheus.mood = Mood.WELL
    await land.until(lambda: land.stable() == "v2", within=60)


async def test_p3_user_queries_alone_begin_no_canary_while_nobody_answers_them():
    query = {"promql": "vector(1)", "max": "5", "interval": "5s", "warmUp": "0s"}
    gates = [{"name": "own", "query": query}]
    land = await served()
    land.prometheus.own = lambda _promql, _time: 1.0
    land.prometheus.mood = Mood.DOWN
    land.apply("v2", rollout={**QUICK, "gates": gates})
    await land.run(120)
    candidate = land.status().candidate
    assert (candidate.stage, candidate.waiting_for) == (Stage.PREPARING, "AwaitingData")
    assert land.serving() == {"v1"}
    land.prometheus.mood = Mood.WELL
    await land.until(lambda: land.stable() == "v2", within=60)


async def test_p3_an_answer_without_samples_is_no_data():
    land = await in_canary(await served())
    land.prometheus.mood = Mood.EMPTY
    await land.run(120)
    candidate = land.status().candidate
    assert candidate.stage is Stage.CANARY
    assert [gate.verdict for gate in candidate.gates] == ["Unknown"]


async def test_p3_no_traffic_is_no_data():
    land = await served()
    land.prometheus.rate = 0
    land.apply("v2")
    await land.run(120)
    assert [gate.reason for gate in land.status().candidate.gates] == ["NoTraffic"]


async def test_p9_when_all_is_settled_nothing_is_written_and_nothing_asked():
    land = await served()
    land.apply("v2")
    await land.settle()
    writes, queries = len(land.cluster.writes), len(land.prometheus.queries)
    for _ in range(2):
        for key in land.operator.cache.parents():
            land.operator.wake(key)
        await land.tick()
    await land.run(1200)
    assert len(land.cluster.writes) == writes
    assert len(land.prometheus.queries) == queries


async def test_one_status_write_per_pass_at_most():
    land = await served()
    land.prometheus.error_share["v2"] = 0.3
    land.apply("v2")
    await land.settle()
    statuses = [[w.verb for w in writes].count("update_status") for writes in land.operator.passes]
    assert max(statuses) == 1


async def test_p10_every_event_has_its_metric():
    land = await served()
    land.prometheus.error_share["v2"] = 0.3
    land.apply("v2")
    await land.settle()
    registry = land.operator.metrics.registry
    for reason in set(land.told()):
        labels = {"namespace": "models", "name": "risk", "reason": reason}
        counted = registry.get_sample_value("davylamp_events_total", labels)
        assert counted == land.told().count(reason), reason


async def test_only_replicas_or_paused_make_no_revision():
    land = await served()
    land.apply("v1", replicas=6)
    await land.settle()
    assert land.running() == {"v1": 6}
    assert len(land.cluster.find("ControllerRevision")) == 1
    land.apply("v1", replicas=2)
    await land.settle()
    assert land.running() == {"v1": 2}
