"""The order of writes, which is what makes it safe to be interrupted anywhere."""

from tests.support.operation import QUICK, Land

from davylamp.adapters.errors import Forbidden
from davylamp.api.names import Command
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.rollout import identify

ORDER = {"Service": "service", "ModelDeployment": "status", "Event": "event"}


def steps(writes: list) -> list[str]:
    """Writes of a pass by what they are, repeated ones once."""
    named = [
        ORDER.get(write.kind, "delete" if write.verb == "delete" else "objects") for write in writes
    ]
    return [each for i, each in enumerate(named) if not i or named[i - 1] != each]


def passes_that_told(land: Land, reason: str) -> list[list]:
    passes = land.operator.passes
    return [ws for ws in passes if any(w.body.get("reason") == reason for w in ws)]


async def served() -> Land:
    land = Land()
    land.apply("v1")
    await land.settle()
    return land


def scaled(writes: list) -> dict[str, int]:
    return {
        w.body["metadata"]["labels"]["app.kubernetes.io/version"]: w.body["spec"]["replicas"]
        for w in writes
        if w.kind == "Deployment" and w.verb == "apply"
    }


async def test_a_revision_exists_before_it_is_remembered_and_admitted_after():
    land = await served()
    assert [steps(p) for p in passes_that_told(land, "RolloutStarted")] == [
        ["objects", "status", "event", "service"]
    ]


async def test_the_record_is_made_before_what_is_made_of_it():
    land = await served()
    [first] = passes_that_told(land, "RolloutStarted")
    kinds = [write.kind for write in first]
    assert kinds.index("ControllerRevision") < kinds.index("ConfigMap") < kinds.index("Deployment")


async def test_a_canary_is_admitted_after_its_weight_is_remembered():
    land = await served()
    land.apply("v2")
    await land.settle()
    [[*begun]] = passes_that_told(land, "CanaryStarted")
    assert steps(begun) == ["status", "event", "service"]


async def test_pods_are_taken_away_last():
    land = await served()
    land.prometheus.error_share["v2"] = 0.3
    land.apply("v2")
    await land.settle()
    [taken] = passes_that_told(land, "RolledBack")
    assert steps(taken) == ["service", "objects", "status", "event", "objects", "delete"]
    assert scaled(taken) == {"v2": 0}


async def test_stable_grows_back_before_anything_shrinks():
    land = await served()
    land.apply("v2", rollout={**QUICK, "probation": "1s"})
    await land.settle()
    land.apply("v1")
    await land.settle()
    [returning] = passes_that_told(land, "ReturnStarted")
    [returned] = passes_that_told(land, "Returned")
    assert scaled(returning) == {"v1": 4}
    assert scaled(returned) == {"v2": 0}
    assert steps(returned) == ["service", "status", "event", "objects", "delete"]


async def test_a_lost_event_holds_nothing_up(caplog):
    land = Land()

    def lose(write):
        if write.kind == "Event":
            raise Forbidden("create Event: 403")

    land.cluster.before.append(lose)
    land.apply("v1")
    await land.settle()
    assert land.serving() == {"v1"}
    assert not land.operator.retried
    lost = [r for r in caplog.records if "was not posted" in r.getMessage()]
    assert {r.fields["name"] for r in lost} == {"risk"}


async def test_what_happened_is_logged_with_namespace_name_and_revision(caplog):
    with caplog.at_level("INFO"):
        land = await served()
    record = next(r for r in caplog.records if r.getMessage().startswith("Promoted"))
    assert record.fields == {
        "namespace": "models",
        "name": "risk",
        "revision": land.status().stable.revision,
    }


async def test_two_notices_of_one_reason_in_one_pass_are_two_events():
    land = await served()
    land.apply("v2")
    await land.until(lambda: "v2" in land.serving())
    for item in land.cluster.find("Deployment"):
        land.cluster.edit("Deployment", item["metadata"]["name"], edit_image)
    await land.run(1)
    assert land.told().count("Restored") == 2


def edit_image(item: dict) -> None:
    item["spec"]["template"]["spec"]["containers"][0]["image"] = "other:v9"


async def test_an_abort_before_the_rollout_began_makes_no_object():
    land = await served()
    land.apply("v1", paused=True)
    await land.run(2)
    land.apply("v2")
    await land.run(2)
    assert len(land.cluster.find("ControllerRevision")) == 1
    spec = ModelDeploymentSpec.model_validate(land.parent()["spec"])
    land.say(Command.ABORT, identify(spec, {}).revision)
    land.apply("v2", paused=False)
    await land.run(10)
    assert len(land.cluster.find("ControllerRevision")) == 1
    assert land.outcomes()[0] == ("v2", "Aborted")


async def test_a_revision_is_forgotten_record_last():
    land = Land()
    land.apply("v1", rollout={**QUICK, "steps": [], "history": 1})
    await land.settle()
    for tag in ("v2", "v3"):
        land.apply(tag)
        await land.settle()
    deleting = [
        [w.kind for w in ws if w.verb == "delete" and w.kind != "PodDisruptionBudget"]
        for ws in land.operator.passes
    ]
    assert [kinds for kinds in deleting if kinds] == [
        ["ConfigMap"],  # the flight record of a turn that history no longer has
        ["Deployment", "ConfigMap", "ControllerRevision"],
    ]
