"""What needs no statistics: a revision that cannot run is rolled back with the container's reason."""

import re
from typing import Any

import pytest
from tests.support.story import MODEL, PATIENCE, QUICK_STEPS, Story

from davylamp.api.names import Reason

LONG_STEP = ({"weight": 50, "hold": "10m"},)
SOON = {"rollout": {"progressDeadline": "20s"}}
"""Before traffic a revision is given all of its deadline."""
BROKEN: dict[str, tuple[Reason, str, dict[str, Any]]] = {
    "missing_image": (Reason.IMAGE_UNAVAILABLE, "ErrImageNeverPull", {}),
    "crash_loop": (Reason.CRASH_LOOP, r"exit code 1\b", {"FAULT_EXIT_AFTER": "0.5"}),
    "never_ready": (
        Reason.PROGRESS_DEADLINE_EXCEEDED,
        "readiness probe",
        {"FAULT_NEVER_READY": "true"},
    ),
    "out_of_memory": (Reason.OUT_OF_MEMORY, r"limits\.memory", {"FAULT_MEMORY_MB": "400"}),
    "readiness_lost": (Reason.READINESS_LOST, "lost its readiness", {"FAULT_UNREADY_AFTER": "40"}),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_revision_is_rolled_back_and_stable_untouched(story: Story, fault: str) -> None:
    reason, pattern, config = BROKEN[fault]
    options: dict[str, Any] = {} if fault in {"missing_image", "readiness_lost"} else SOON
    if fault == "missing_image":
        image = {**story.model("v3")["spec"]["image"], "tag": "v3-0000000"}
        options = {"image": image | {"pullPolicy": "Never"}}
    good = story.install("v1")

    with story.untouched(good):
        bad = story.apply(story.model("v3", config=config, steps=LONG_STEP, **options))
        rejection = story.wait_rejected(bad, timeout=2 * PATIENCE)
        story.wait_without_pods(bad)

    assert rejection["reason"] == reason
    assert re.search(pattern, rejection["message"]), rejection
    assert not story.admits(bad)
    stalled = story.condition("Stalled")
    assert stalled["reason"] == Reason.ROLLED_BACK
    assert reason in stalled["message"]
    assert [e for e in story.events(Reason.ROLLED_BACK) if f"({reason})" in e.message]


def test_a_first_revision_that_is_broken_leaves_room_for_the_next(story: Story) -> None:
    broken = story.apply(story.model("v1", config={"FAULT_NEVER_READY": "true"}, **SOON))
    assert story.wait_rejected(broken)["reason"] == Reason.PROGRESS_DEADLINE_EXCEEDED
    assert story.condition("Ready")["status"] == "False"
    assert not story.admits(broken)

    good = story.install("v1")
    assert story.admits(good)
    assert not story.admits(broken)


def test_a_missing_secret_is_named_and_heals(story: Story) -> None:
    good = story.install("v1")

    with story.untouched(good):
        following = story.apply(story.model("v3", secrets=[{"name": "token"}]))
        story.wait_holding(Reason.SECRET_MISSING)
        stalled = story.wait(lambda: story.condition("Stalled"), "it to be stalled")
    assert stalled["reason"] == Reason.SECRET_MISSING
    assert "token" in stalled["message"]

    story.kubectl("create", "secret", "generic", "token", "--from-literal=key=1")
    story.wait_serving(following)
    assert story.condition("Stalled") == {}


def test_a_pod_template_that_admission_cannot_judge(story: Story) -> None:
    good = story.install("v1")
    template = {"spec": {"containers": [{"name": "model", "ports": [{"$overlay": "replace"}]}]}}
    serving = story.model("v3")["spec"]["serving"]

    with story.untouched(good):
        story.apply(story.model("v3", serving={**serving, "template": template}))
        stalled = story.wait(lambda: story.condition("Stalled"), "it to be stalled")
    assert stalled["reason"] == Reason.INVALID_SPEC
    assert "ports" in stalled["message"]
    assert story.condition("Ready")["status"] == "False"

    story.wait_serving(story.apply(story.model("v3")))
    assert story.condition("Stalled") == {}


def test_a_service_of_another_owner_is_not_taken_over(story: Story) -> None:
    story.kubectl("create", "service", "clusterip", story.name, "--tcp=80:80")
    theirs = story.service()

    revision = story.apply(story.model("v1"))
    stalled = story.wait(lambda: story.condition("Stalled"), "it to be stalled")
    assert stalled["reason"] == Reason.NAME_TAKEN
    assert story.service()["spec"] == theirs["spec"]

    story.kubectl("delete", "service", story.name)
    story.kubectl("label", story.resource_name, "please=again")
    story.wait_serving(revision)
    assert story.service()["spec"]["selector"][MODEL] == story.name


def test_a_canary_that_never_began_has_had_no_traffic(story: Story) -> None:
    """The pods are not ready for a while; until then the Service names stable alone."""
    good = story.install("v1")
    slow = story.model("v3", config={"FAULT_START_DELAY": "10"}, steps=QUICK_STEPS)
    revision = story.apply(slow)

    story.wait(lambda: story.pods(revision), "its first pod")
    story.stays(lambda: not story.admits(revision), "fenced until ready", seconds=4)
    story.wait_serving(revision)
    assert not story.admits(good)
