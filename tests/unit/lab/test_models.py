"""Manifests of the lab, and reading what the operator said."""

import json

from davylamp.api.spec import ModelDeploymentSpec
from lab import models
from lab.models import Event

STATUS = {
    "stable": {"tag": "v1-a", "revision": "1" * 10},
    "candidate": {"tag": "v2-b", "stage": "Canary", "step": 2},
    "rejected": [{"tag": "v0-z", "reason": "CrashLoop", "message": "exit code 1"}],
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "Canary", "message": "v2-b at step 2 of 3"}
    ],
}


def test_a_model_is_what_the_api_takes():
    steps = [{"weight": 25, "hold": "20s"}]
    manifest = models.model(
        "risk",
        "lab",
        "v2-0115cfb",
        steps=steps,
        config={"FAULT_ERROR_RATE": "0.2"},
        rollout={"probation": "0s"},
        paused=True,
    )
    spec = ModelDeploymentSpec.model_validate(manifest["spec"])
    assert (spec.image.tag, spec.replicas, spec.paused) == ("v2-0115cfb", 4, True)
    assert [step.weight for step in spec.rollout.steps] == [25]
    assert spec.rollout.probation == "0s"
    assert spec.config == {"FAULT_ERROR_RATE": "0.2"}
    assert spec.rollout.checks == ()


def test_what_is_not_said_is_left_to_the_product():
    assert "rollout" not in models.model("risk", "lab", "v1-a")["spec"]


def test_snapshot_and_seed_are_those_of_the_release():
    first, seed = models.training_of("v1-d83b93c")
    third, other_seed = models.training_of("v3-b6244f9")
    assert first["id"] < third["id"]
    assert seed != other_seed
    assert models.training_of("no-such-release") == (first, seed)


def test_conditions_and_rejections_are_found_by_name():
    md = {"status": STATUS}
    assert models.condition(md, "Ready") == models.condition(STATUS, "Ready")
    assert models.condition(md, "Stalled") is None
    assert (models.rejection(md, "v0-z") or {})["reason"] == "CrashLoop"
    assert models.rejection(md, "v1-a") is None


def test_a_model_in_one_line():
    told = models.describe({"status": STATUS})
    assert "stable v1-a, candidate v2-b Canary step 2" in told
    assert "rejected ['v0-z']" in told
    assert "v2-b at step 2 of 3" in told
    assert "stable None" in models.describe({})


def test_events_are_in_order_and_to_the_microsecond_where_the_name_tells():
    begin = 1795459019
    listed = {
        "items": [
            {
                "metadata": {"name": f"risk.rolledback.{int((begin + 0.25) * 1e6):x}"},
                "firstTimestamp": "2026-11-23T18:36:59Z",
                "reason": "RolledBack",
                "message": "gate errors: worse",
                "type": "Warning",
            },
            {
                "metadata": {"name": "risk.1234"},
                "firstTimestamp": "2026-11-23T18:36:58Z",
                "reason": "CanaryStarted",
                "type": "Normal",
            },
        ]
    }
    assert models.read_events(json.dumps(listed)) == [
        Event(begin - 1, "CanaryStarted", "", "Normal"),
        Event(begin + 0.25, "RolledBack", "gate errors: worse", "Warning"),
    ]
