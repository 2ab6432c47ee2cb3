"""A fence that is refused: the bad revision loses its traffic in another way, and it is told."""

import pytest
from prometheus_client import CollectorRegistry
from tests.support import plans
from tests.support.fakecluster import Address, Killed, Write
from tests.support.operation import NAMESPACE, QUICK, Land

from davylamp.adapters.errors import Forbidden, OperatorError, Retryable
from davylamp.api.names import KIND, Command

WEBHOOK = Retryable("500 failed calling webhook", by="the webhook w, which cannot be called")
BAD = {"v2": 0.3}
SLOW = {**QUICK, "steps": [{"weight": 25, "hold": "10m"}]}


def refuse(land: Land, *refused: tuple[str, str], error: OperatorError = WEBHOOK) -> None:
    """Have writes refused, by verb and kind."""

    def fault(write: Write) -> None:
        if (write.verb, write.kind) in refused:
            raise error

    land.cluster.before.append(fault)


SERVICE = ("apply", "Service")
WAYS = [
    ("apply", "Deployment"),
    ("patch_scale", "Deployment"),
    ("delete", "Deployment"),
    ("delete", "Pod"),
]
SENTENCES = [
    "was scaled to 0 instead;",
    "was scaled to 0 instead, through its subresource scale;",
    "was deleted instead;",
    "are deleted instead, as often as they come back;",
]


async def canary(land: Land | None = None, **changes) -> Land:
    """Stable v1 and a canary v2 in traffic."""
    land = land or Land()
    land.apply("v1", rollout=SLOW)
    await land.settle()
    land.apply("v2", **changes)
    await land.until(lambda: "v2" in land.serving())
    return land


def metric(land: Land, reason: str) -> float | None:
    registry: CollectorRegistry = land.operator.metrics.registry
    labels = {"namespace": "models", "name": "risk", "reason": reason}
    return registry.get_sample_value("davylamp_refused_writes", labels)


@pytest.mark.parametrize("refused", range(len(WAYS)))
async def test_p1_the_first_other_way_that_works_is_gone_in_the_same_pass(refused):
    land = await canary()
    refuse(land, SERVICE, *WAYS[:refused])
    land.say(Command.ABORT, land.status().candidate.revision)
    await land.tick()
    told = [(write.verb, write.kind) for write in land.operator.passes[-1]]
    assert told[: refused + 2] == [SERVICE, *WAYS[: refused + 1]]
    await land.tick()
    assert land.serving() == {"v1"}
    await land.run(12)
    assert land.serving() == {"v1"}
    value, reason, message = land.condition("Obstructed")
    assert (value, reason) == ("True", "FenceRefused")
    assert SENTENCES[refused] in message
    assert land.told().count("FenceRefused") == 1
    assert metric(land, "FenceRefused") == 2, "the Services risk and risk-canary"
    assert land.condition("Ready")[1] == "RolledBack"
    land.cluster.before.clear()
    await land.settle()
    assert land.condition("Obstructed") is None
    assert metric(land, "FenceRefused") is None
    assert (land.serving(), land.running()) == ({"v1"}, {"v1": 4})


async def test_p5_a_revision_whose_deployment_was_deleted_instead_is_kept_by_its_record():
    land = await canary()
    refuse(land, SERVICE, *WAYS[:2])
    land.say(Command.ABORT, land.status().candidate.revision)
    await land.run(5)
    land.cluster.before.clear()
    await land.settle()
    assert len(land.cluster.find("ControllerRevision")) == 2
    assert len(land.cluster.find("Deployment")) == 1, "an empty one would be of no use"
    land.say(Command.RETRY, land.status().rejected[0].revision)
    await land.until(lambda: "v2" in land.serving())
    assert len(land.cluster.find("Deployment")) == 2


async def test_where_every_way_is_refused_that_is_told_and_tried_again():
    land = await canary()
    refuse(land, SERVICE, *WAYS, error=Forbidden("403 all of it"))
    land.say(Command.ABORT, land.status().candidate.revision)
    await land.run(20)
    assert "v2" in land.serving()
    assert "every other way was refused too: 403 all of it" in land.condition("Obstructed")[2]
    land.cluster.before.clear()
    await land.run(3)
    assert land.serving() == {"v1"}


async def test_p12_the_only_revision_behind_a_service_is_not_stopped():
    """In a probation the Service selects the new revision alone: a bad answer is better than none."""
    land = Land()
    land.apply("v1", rollout={**QUICK, "probation": "10m"})
    await land.settle()
    land.apply("v2")
    await land.until(lambda: land.stable() == "v2")
    await land.until(lambda: land.serving() == {"v2"})
    refuse(land, SERVICE)
    land.say(Command.ABORT, land.status().stable.revision)
    await land.run(20)
    assert land.stable() == "v1"
    assert land.serving() == {"v2"}
    assert land.running()["v2"] == 4
    assert (
        "it keeps its traffic until the Service can be written" in land.condition("Obstructed")[2]
    )
    land.cluster.before.clear()
    await land.settle()
    assert (land.serving(), land.running()) == ({"v1"}, {"v1": 4})


async def test_p11_nothing_new_is_made_that_a_service_would_let_in():
    land = await canary()
    refuse(land, SERVICE)
    land.apply("v3")
    await land.run(15)
    assert "v3" not in land.running()
    assert land.serving() == {"v1"}
    assert land.condition("Stalled") is None, "it may pass by itself"
    assert land.condition("Ready")[2].count("cannot be made to shut") == 1
    land.cluster.before.clear()
    await land.until(lambda: "v3" in land.serving())


async def test_p1_killed_between_a_refused_fence_and_the_status_it_ends_the_same():
    land = await canary()
    land.prometheus.error_share.update(BAD)
    refuse(land, SERVICE)
    deaths = []

    def die(write: Write) -> None:
        if write.kind == KIND and not land.running().get("v2") and not deaths:
            deaths.append(write)
            raise Killed

    land.cluster.before.append(die)
    await land.until(lambda: land.deaths)
    await land.until(lambda: land.outcomes() and land.outcomes()[0] == ("v2", "RolledBack"))
    assert land.serving() == {"v1"}
    land.cluster.before.clear()
    await land.settle()
    assert land.running() == {"v1": 4}


async def test_a_status_that_is_refused_is_told_by_event_and_metric_and_gives_no_more_pods():
    """The first pod of v2 was made before the refusal; it is not made again. Stable is repaired."""
    story = plans.Story()
    await story.served()
    land = story.land
    refuse(land, ("update_status", KIND), error=Forbidden("403 no status"))
    land.apply("v2")
    await land.run(20)
    assert land.told().count("WriteRefused") == 1
    assert metric(land, "WriteRefused") == 1
    assert (land.running(), land.serving()) == ({"v1": 4, "v2": 1}, {"v1"})
    for item in land.cluster.find("Deployment"):
        if item["spec"]["replicas"] == 1:
            land.cluster.drop(Address("Deployment", NAMESPACE, item["metadata"]["name"]))
    stable = land.status().stable.revision
    land.cluster.edit("Deployment", f"risk-{stable}", lambda item: item["spec"].update(replicas=1))
    await land.run(3)
    assert land.running() == {"v1": 4}
    land.cluster.before.clear()
    await land.until(lambda: land.stable() == "v2")
    assert metric(land, "WriteRefused") is None


async def test_refused_events_show_in_the_metric():
    land = await canary()
    refuse(land, SERVICE, ("create", "Event"), error=Forbidden("403 nothing"))
    land.say(Command.ABORT, land.status().candidate.revision)
    await land.run(5)
    assert metric(land, "FenceRefused") == 2
    assert metric(land, "WriteRefused") == 1
    land.cluster.before.clear()
    refuse(land, SERVICE)
    await land.run(8)
    assert land.told().count("FenceRefused") == 1
    assert metric(land, "WriteRefused") is None


@pytest.mark.parametrize("error", [Forbidden("403 quota"), WEBHOOK], ids=["lasting", "passing"])
async def test_p4_deadlines_go_on_running_whatever_is_refused(error):
    """Nobody wakes the operator here but its own clock."""
    land = Land()
    land.apply("v1", rollout={**QUICK, "progressDeadline": "1m"})
    await land.settle()
    refuse(land, ("apply", "ConfigMap"), ("apply", "PodDisruptionBudget"), error=error)
    land.apply("v2")
    await land.tick()
    began = land.now
    await land.until(lambda: land.condition("Ready")[1] == "ProgressDeadlineExceeded", within=90)
    assert (land.now - began).total_seconds() < 65
    assert not land.status().rejected, "a refusal says nothing about the revision"
    land.cluster.before.clear()
    await land.until(lambda: land.stable() == "v2")


async def test_a_refused_scale_down_after_a_good_promotion_leaves_the_model_ready():
    land = Land()
    land.apply("v1", rollout={**QUICK, "probation": "5s"})
    await land.settle()

    def policy(write: Write) -> None:
        if write.kind == "Deployment" and not write.body["spec"]["replicas"]:
            raise Forbidden("422 two replicas or more", by="the ValidatingAdmissionPolicy p")

    land.cluster.before.append(policy)
    land.apply("v2")
    await land.until(lambda: land.stable() == "v2" and land.condition("Obstructed"))
    await land.run(60)
    value, _, message = land.condition("Ready")
    assert value == "True"
    assert message.startswith("v2 is serving with 4 pods; not everything is done: refused by the ")
    assert "ValidatingAdmissionPolicy p: 422 two replicas or more" in message
    assert land.condition("Stalled") is None
    assert land.condition("Reconciling") is None
    assert land.told().count("WriteRefused") == 1
    writes = len(land.cluster.writes)
    await land.run(60)
    assert len(land.cluster.writes) - writes <= 4
    land.cluster.before.clear()
    await land.until(lambda: land.running() == {"v2": 4})
    await land.run(3)
    assert land.condition("Obstructed") is None


async def test_a_refusal_that_comes_and_goes_does_not_spin():
    land = Land()
    land.apply("v1", rollout=QUICK)
    await land.settle()
    land.cluster.before.append(flickering())
    land.apply("v1", replicas=2)
    passes = len(land.operator.passes)
    await land.run(60)
    assert len(land.operator.passes) - passes < 40


def flickering():
    """Refuses every other write of a Deployment; somebody undoes those that pass."""

    def fault(write: Write) -> None:
        if write.kind == "Deployment" and write.number % 2:
            raise Forbidden("403 now and then")

    return fault
