"""Pods fail as pods: a revision is not ready, or not for long, for what is wrong beside its model."""

import re
import shlex
from typing import Any

from tests.support.reading import Json
from tests.support.story import PATIENCE, QUICK_STEPS, Story

from davylamp.api.names import Reason
from lab import kubectl, models

CRASHES = "import sys, time; time.sleep(2); sys.exit('cannot reach the mesh')"
RESTRICTED: Json = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
FETCH: Json = {"name": "fetch", "image": "registry.invalid/fetch:1"}
UNABLE: dict[str, Json] = {
    "1 Insufficient example.com/gpu": {
        "containers": [{"name": "model", "resources": {"limits": {"example.com/gpu": "1"}}}]
    },
    "readiness gate lb.example/target-health": {
        "readinessGates": [{"conditionType": "lb.example/target-health"}]
    },
    "init container fetch of pod": {"initContainers": [{**FETCH, "securityContext": RESTRICTED}]},
    'a pod cannot be created: pods "risk-': {"initContainers": [FETCH]},
    'FailedMount: configmap "nowhere" not found': {
        "volumes": [{"name": "weights", "configMap": {"name": "nowhere"}}],
        "containers": [
            {"name": "model", "volumeMounts": [{"name": "weights", "mountPath": "/weights"}]}
        ],
    },
}


def overlaid(story: Story, spec: Json, release: str = "v3", **options: Any) -> Json:
    """A manifest whose pods have something more."""
    manifest = story.model(release, **options)
    manifest["spec"]["serving"] = {**manifest["spec"]["serving"], "template": {"spec": spec}}
    return manifest


def wait_told(story: Story, words: str) -> str:
    """What `Ready` says once some words are in it."""

    def message() -> str | None:
        told: str = (models.condition(story.status(), "Ready") or {}).get("message", "")
        return told if words in told else None

    return story.wait(message, f"Ready to say {words!r}")


def pasted(message: str) -> str:
    """What the command at the end of a message prints."""
    command = re.search(r"; see `kubectl ([^`]*)`$", message)
    assert command, message
    return kubectl.kubectl(*shlex.split(command[1]))


def test_a_sidecar_that_crashes_is_rolled_back_and_never_promoted(story: Story) -> None:
    """It is ready for two seconds at a time, long enough for each step of this plan."""
    good = story.install("v1")
    image = story.model("v1")["spec"]["image"]
    proxy = {
        "name": "proxy",
        "image": f"{image['repository']}:{image['tag']}",
        "command": ["python", "-c", CRASHES],
        "securityContext": RESTRICTED,
    }
    plan = {"minReadySeconds": 10, "progressDeadline": "60s"}

    with story.untouched(good):
        bad = story.apply(overlaid(story, {"containers": [proxy]}, steps=QUICK_STEPS, rollout=plan))
        rejection = story.wait_rejected(bad, timeout=2 * PATIENCE)
        story.wait_without_pods(bad)

    assert "sidecar proxy of pod" in rejection["message"]
    assert "exit code 1" in rejection["message"]
    assert "cannot reach the mesh" not in rejection["message"], "a pod's own words"
    assert len(story.events(Reason.PROMOTED)) == 1
    assert story.outcomes()[0] == (bad, "RolledBack")


def test_what_pods_lack_is_told_in_the_words_of_whoever_knows(story: Story) -> None:
    good = story.install("v1")

    with story.same_pods(good):
        for words, spec in UNABLE.items():
            story.apply(overlaid(story, spec))
            assert pasted(wait_told(story, words))

        story.kubectl("create", "quota", "team", "--hard=pods=1")
        story.apply(story.model("v3", config={"ANOTHER": "revision"}))
        told = wait_told(story, "exceeded quota: team")
        assert "a pod cannot be created: " in told
        assert "pods" in pasted(told)

        story.apply(story.model("v1"))
        story.wait_serving(good)
    story.apply(story.model("v1", replicas=2))
    assert "is serving with 1 of 2 pods ready; another pod " in wait_told(story, "exceeded quota")
    assert story.condition("Available")["status"] == "True"
