"""What users and other programs do to a model while it runs."""

from tests.support.reading import items
from tests.support.story import MODEL, PAUSED_STEP, Story

from davylamp.api.names import Command, Reason
from lab.kubectl import delete
from lab.models import RESOURCE

CHILDREN = (
    "controllerrevisions",
    "deployments",
    "replicasets",
    "pods",
    "services",
    "endpointslices",
    "configmaps",
    "secrets",
    "poddisruptionbudgets",
)


def test_ten_edits_in_a_second_end_at_the_last(story: Story) -> None:
    story.install("v1")
    edits = [story.model("v3", config={"RUN": str(number)}) for number in range(10)]

    last = story.apply(*edits)
    story.wait_serving(last)

    revisions = {revision for revision, outcome in story.outcomes() if outcome == "Promoted"}
    assert last in revisions
    assert len(revisions) == 2
    story.wait(lambda: len(story.pods()) == 1, "one pod to be left")
    assert len(story.pods(last)) == 1


def test_a_third_revision_supersedes_the_canary(story: Story) -> None:
    good = story.install("v1")

    with story.untouched(good):
        second = story.apply(story.model("v3", steps=PAUSED_STEP))
        story.wait_holding(Reason.AWAITING_APPROVAL)
        third = story.apply(story.model("v3", steps=PAUSED_STEP, config={"RUN": "3"}))
        held = story.wait_stage("Canary", third)
        # the Service is open to all pods now, so none of the second may still run
        assert {pod["status"]["phase"] for pod in story.pods(second)} <= {"Succeeded", "Failed"}
    assert held["revision"] == third
    story.say(Command.ADVANCE, f"{third}@1")
    story.wait_serving(third)
    assert story.outcomes()[:2] == [(third, "Promoted"), (second, "Superseded")]


def test_steps_edited_mid_canary_count_from_the_next_revision_on(story: Story) -> None:
    story.install("v1")
    canary = story.apply(story.model("v3", steps=PAUSED_STEP))
    story.wait_holding(Reason.AWAITING_APPROVAL)

    story.apply(story.model("v3", steps=[{"weight": 50, "hold": "1s"}]))
    status = story.wait_observed()
    assert status["candidate"]["plan"]["steps"][0]["pause"] is True
    assert "apply from the next revision on" in story.condition("Ready")["message"]
    story.say(Command.ADVANCE, f"{canary}@1")
    story.wait_serving(canary)


def test_manual_edits_of_children_are_reverted(story: Story) -> None:
    good = story.install("v1")
    name = f"{story.name}-{good}"
    before = story.child("deployments", good)["spec"]["template"]

    with story.untouched(good):
        story.kubectl("patch", "service", story.name, '-p={"spec":{"selector":{"a":"b"}}}')
        story.wait(lambda: "a" not in story.service()["spec"]["selector"], "the Service put back")
        story.kubectl("delete", "configmap", name)
        story.wait(lambda: story.child("configmaps", good), "the ConfigMap made again")
        story.kubectl("delete", "pdb", name)
        story.wait(lambda: items("poddisruptionbudgets", story.namespace), "the budget made again")

    other = f"model=davylamp/diabetes-risk:{story.tags['v2']}"
    story.kubectl("set", "image", f"deployment/{name}", other)
    story.wait(lambda: story.events(Reason.RESTORED), "an Event about the Deployment")
    story.wait(
        lambda: story.child("deployments", good)["spec"]["template"] == before,
        "the Deployment put back",
    )
    story.kubectl("delete", "deployment", name)
    story.wait(lambda: story.replicas(good) == 1, "the Deployment made again")
    story.wait_serving(good)


def test_a_model_deleted_mid_rollout_leaves_nothing_behind(story: Story) -> None:
    story.kubectl("create", "secret", "generic", "licence", "--from-literal=key=1")
    pinned = {"secrets": [{"name": "licence", "policy": "Pin"}]}
    story.install("v1", **pinned)
    story.apply(story.model("v3", steps=PAUSED_STEP, **pinned))
    story.wait_holding(Reason.AWAITING_APPROVAL)
    assert all(items(kind, story.namespace, {MODEL: story.name}) for kind in CHILDREN)

    delete(RESOURCE, story.name, story.namespace)

    def left() -> list[str]:
        return [kind for kind in CHILDREN if items(kind, story.namespace, {MODEL: story.name})]

    story.wait(lambda: not left(), "everything to be gone")
    assert items("secrets", story.namespace) != []


def test_kubectl_scale_is_no_new_revision(story: Story) -> None:
    good = story.install("v1")

    story.kubectl("scale", story.resource_name, "--replicas=2")
    story.wait_status(lambda status: status.get("readyReplicas") == 2, "two ready pods")

    status = story.status()
    assert status["replicas"] == 2
    assert status["stable"]["revision"] == good
    assert len(status["history"]) == 1
    selected = story.kubectl("get", "pods", "-l", status["selector"], "-o", "name").split()
    assert len(selected) == 2
    scale = ("get", story.resource_name, "--subresource=scale", "-o", "jsonpath={.status.replicas}")
    assert story.kubectl(*scale) == "2"
