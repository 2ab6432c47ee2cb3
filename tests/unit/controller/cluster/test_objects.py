"""Pods and annotations as the API server has them."""

from datetime import UTC, datetime

import pytest

from davylamp.controller.cluster.objects import (
    has_other_owner,
    pod_state,
    read_pod,
    record_number,
    workloads_of,
)

REVISION = {"davylamp.dev/revision": "aaaaaaaaaa"}


def pod(name: str = "p", phase: str = "Running", **status: object) -> dict:
    metadata = {"name": name, "labels": REVISION}
    return {"metadata": metadata, "status": {"phase": phase, **status}}


def ready(value: str, since: str) -> list[dict]:
    return [{"type": "Ready", "status": value, "lastTransitionTime": since}]


def test_a_pod_with_nothing_in_it_is_a_pod():
    seen = pod_state({"metadata": {"name": "p"}})
    assert (seen.name, seen.ready, seen.was_ready, seen.restarts) == ("p", False, False, 0)
    assert seen.image_id is None


@pytest.mark.parametrize(
    ("value", "since", "was_ready"),
    [
        ("True", "2026-11-01T03:05:00Z", False),
        ("False", "2026-11-01T03:05:00Z", True),
        ("False", "2026-11-01T03:00:01Z", False),
    ],
)
def test_unready_since_long_after_its_start_means_that_it_was_ready(value, since, was_ready):
    told = pod(startTime="2026-11-01T03:00:00Z", conditions=ready(value, since))
    assert pod_state(told).was_ready is was_ready


def test_the_model_container_counts_and_no_sidecar():
    statuses = [
        {"name": "proxy", "restartCount": 9, "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
        {
            "name": "model",
            "restartCount": 1,
            "imageID": "registry.example/model@sha256:9c1e",
            "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
        },
    ]
    seen = pod_state(pod(containerStatuses=statuses))
    assert (seen.restarts, seen.waiting_reason) == (1, None)
    assert (seen.last_exit_reason, seen.last_exit_code) == ("OOMKilled", 137)
    assert seen.image_id == "sha256:9c1e"


def test_a_pod_that_ended_is_none():
    pods = [pod("a", "Succeeded"), pod("b", "Failed"), pod("c", "Pending")]
    found = workloads_of([], map(read_pod, pods))
    assert [p.name for p in found["aaaaaaaaaa"].pods] == ["c"]


def test_a_deployment_without_pods_and_pods_without_a_deployment_are_workloads():
    deployment = {
        "metadata": {"name": "d", "labels": {"davylamp.dev/revision": "bbbbbbbbbb"}},
        "spec": {"replicas": 3},
    }
    found = workloads_of([deployment], map(read_pod, [pod(), {"metadata": {"name": "stray"}}]))
    assert {revision: (w.desired, len(w.pods)) for revision, w in found.items()} == {
        "aaaaaaaaaa": (0, 1),
        "bbbbbbbbbb": (3, 0),
    }


def test_timestamps_are_moments():
    told = pod(conditions=ready("True", "2026-11-01T03:05:00Z"))
    assert pod_state(told).ready_changed_at == datetime(2026, 11, 1, 3, 5, tzinfo=UTC)


def test_what_has_no_owner_may_be_ours_what_has_another_is_not():
    def owned(*uids: str) -> dict:
        return {"metadata": {"ownerReferences": [{"uid": uid} for uid in uids]}}

    assert not has_other_owner({"metadata": {}}, "mine")
    assert not has_other_owner(owned("theirs", "mine"), "mine")
    assert has_other_owner(owned("theirs"), "mine")


def test_a_record_without_a_number_comes_first():
    assert record_number({}) == 0
    assert record_number({"revision": 7}) == 7
