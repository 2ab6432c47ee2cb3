"""What is asked of which pod: only what is due, only of a pod of that revision, only at its own address."""

from datetime import UTC, datetime

import pytest
from tests.support.kubelets import made_by

from davylamp.adapters.pods.model_server import PodAddress
from davylamp.api.spec import CheckName, Rollout
from davylamp.api.status import (
    Candidate,
    ModelDeploymentStatus,
    RevisionRef,
    Stable,
    Stage,
    Verification,
    identity,
)
from davylamp.api.status_parts import CheckStatus
from davylamp.checks import Expected
from davylamp.controller.checks.inspections import Inspection, inspection_of
from davylamp.controller.checks.ready_pods import ready_pods
from davylamp.controller.cluster.pods import read_pod

NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
NEW, OLD = "aaaaaaaaaa", "bbbbbbbbbb"
ALL = tuple(CheckName)


def ref(revision, tag):
    return identity(RevisionRef(revision=revision, tag=tag, feature_snapshot="2026-11-01", seed=42))


def candidate(stage=Stage.PREPARING, checks=ALL, passed=()):
    found = tuple(
        CheckStatus(name=name, verdict="Pass", reason="X", message="x", at=NOW) for name in passed
    )
    return Candidate(
        **ref(NEW, "v2"),
        stage=stage,
        started_at=NOW,
        stage_at=NOW,
        plan=Rollout(checks=checks),
        checks=found,
    )


def verification(verdict="Unknown", reason="Verifying"):
    return Verification(**ref(OLD, "v1"), verdict=verdict, reason=reason, message="x", at=NOW)


def status(**parts):
    stable = Stable(**ref(OLD, "v1"), promoted_at=NOW)
    return ModelDeploymentStatus(stable=stable, **parts)


def record(tag):
    intent = {"image": {"tag": tag}, "featureSnapshot": {"id": "2026-11-01"}, "seed": 42}
    return {"data": {"intent": intent}}


RECORDS = {NEW: record("v2"), OLD: record("v1")}


def pod(name, revision=NEW, *, ready="True", ip="10.0.0.7", deleted=None, ports=None):
    http = [{"name": "metrics", "containerPort": 9}, {"name": "http", "containerPort": 8080}]
    containers = [{"name": "proxy", "ports": http}, {"name": "model", "ports": ports or http}]
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "labels": {"davylamp.dev/revision": revision},
            "deletionTimestamp": deleted,
            "ownerReferences": made_by(f"risk-{revision}-{name}"),
        },
        "spec": {"containers": containers},
        "status": {"podIP": ip, "conditions": [{"type": "Ready", "status": ready}]},
    }


def asked_of(told, *pods):
    return inspection_of(told, RECORDS, ready_pods(map(read_pod, pods)))


def test_a_candidate_that_prepares_is_put_to_the_checks_of_its_plan():
    found = asked_of(status(candidate=candidate()), pod("b"), pod("a"), pod("0", OLD))
    assert found == Inspection(
        NEW,
        NOW,
        ALL,
        Expected("v2", "2026-11-01", 42),
        PodAddress("a", "uid-a", "10.0.0.7", 8080),
    )


@pytest.mark.parametrize("stage", [Stage.CANARY, Stage.PROMOTING, Stage.RETURNING])
def test_what_has_traffic_or_had_it_is_not_asked(stage):
    assert asked_of(status(candidate=candidate(stage)), pod("a")) is None


def test_what_passed_is_not_asked_again():
    assert asked_of(status(candidate=candidate(passed=ALL)), pod("a")) is None
    some = candidate(passed=ALL[:2])
    assert asked_of(status(candidate=some), pod("a")).checks == ALL
    assert asked_of(status(candidate=candidate(checks=())), pod("a")) is None


def test_after_a_rollback_what_serves_is_asked_its_golden_requests():
    found = asked_of(status(verification=verification()), pod("a"), pod("b", OLD))
    assert (found.revision, found.checks) == (OLD, (CheckName.GOLDEN,))
    assert (found.pod.name, found.expected.tag) == ("b", "v1")


def test_what_was_verified_or_never_can_be_is_left_alone():
    for verdict, reason in (("Pass", "RollbackVerified"), ("Unknown", "NothingToVerify")):
        told = status(verification=verification(verdict, reason))
        assert asked_of(told, pod("b", OLD)) is None
    assert asked_of(status(), pod("b", OLD)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"ready": "False"},
        {"deleted": "2026-11-01T03:00:00Z"},
        {"revision": OLD},
        {"ip": None},
        {"ip": "not an address"},
        {"ip": "127.0.0.1"},
        {"ip": "169.254.169.254"},
        {"ip": "::1"},
        {"ip": "0.0.0.0"},
        {"ip": "224.0.0.1"},
        {"ports": [{"name": "other", "containerPort": 1}]},
        {"ports": [{"name": "http", "containerPort": "8080"}]},
        {"ports": "http"},
    ],
)
def test_a_pod_that_cannot_or_must_not_be_asked(wrong):
    told = status(candidate=candidate())
    assert asked_of(told, pod("a", **wrong)) is None
    assert asked_of(told, pod("a", **wrong), pod("b")).pod.name == "b"


def test_without_its_record_nobody_knows_what_to_expect():
    assert (
        inspection_of(status(candidate=candidate()), {}, ready_pods([read_pod(pod("a"))])) is None
    )
