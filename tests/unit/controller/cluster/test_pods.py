"""Pods and Deployments as the API server has them."""

from datetime import UTC, datetime

import pytest

from davylamp.controller.cluster.pods import pod_state, read_pod, workloads_of

REVISION = {"davylamp.dev/revision": "aaaaaaaaaa"}


def pod(name: str = "p", phase: str = "Running", **status: object) -> dict:
    metadata = {"name": name, "labels": REVISION}
    return {"metadata": metadata, "status": {"phase": phase, **status}}


def ready(value: str, since: str) -> list[dict]:
    return [{"type": "Ready", "status": value, "lastTransitionTime": since}]


def test_a_pod_with_nothing_in_it_is_a_pod():
    seen = pod_state({"metadata": {"name": "p"}})
    assert (seen.name, seen.ready, seen.was_ready, seen.containers) == ("p", False, False, ())
    assert (seen.living, seen.image_id) == (True, None)


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
