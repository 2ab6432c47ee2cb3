"""What the API server refuses is told at once, and a bad canary loses its traffic all the same."""

import contextlib
import time
from collections.abc import Iterator

from tests.support.reading import Json
from tests.support.story import Story

from davylamp.api.names import Reason
from lab import kubectl, metrics
from lab.records import lost, once_reachable
from lab.traffic import Traffic

GATE = {"name": "errors", "errorRate": {}}
STEPS = ({"weight": 50, "hold": "10m"},)
TOLD_WITHIN = 15.0
"""Seconds from the first refusal until condition, Event and metric tell of it."""


@contextlib.contextmanager
def broken_webhook(story: Story) -> Iterator[str]:
    """A context in which nobody may create or change Services and Deployments of the story."""
    name = f"gone.{story.namespace}.example"
    selector = {"matchLabels": {"kubernetes.io/metadata.name": story.namespace}}
    rule = {
        "apiGroups": ["", "apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["services", "deployments"],
    }
    service = {"name": "gone", "namespace": story.namespace, "path": "/"}
    webhook: Json = {
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": 3,
        "clientConfig": {"service": service},
        "namespaceSelector": selector,
        "rules": [rule],
    }
    manifest: Json = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": story.namespace},
        "webhooks": [webhook],
    }
    kubectl.apply(manifest)
    try:
        yield name
    finally:
        kubectl.kubectl("delete", "validatingwebhookconfiguration", story.namespace)


def refused_writes(story: Story, reason: Reason) -> float:
    """What the metric says of a story's refused writes."""
    name, namespace = "davylamp_refused_writes", story.namespace
    return metrics.total(metrics.scrape_all(), name, namespace=namespace, reason=reason.value)


def test_p1_a_bad_canary_loses_its_traffic_though_a_broken_webhook_keeps_the_service(
    story: Story,
) -> None:
    good = story.install("v1")
    bad_model = story.model("v3", steps=STEPS, gates=[GATE], config={"FAULT_ERROR_RATE": "0.5"})

    with Traffic(
        story.namespace, story.name, rate=40, missing=0, image_tag=story.tags["v1"]
    ) as traffic:
        traffic.wait_for(10)
        bad = story.apply(bad_model)
        story.wait_stage("Canary", bad)
        with story.same_pods(good), broken_webhook(story) as webhook:
            story.wait_rejected(bad)
            began = time.monotonic()
            obstacle = story.wait(lambda: story.condition("Obstructed"), "it to be told")
            events = story.wait(lambda: story.events(Reason.FENCE_REFUSED), "an Event")
            story.wait(lambda: refused_writes(story, Reason.FENCE_REFUSED), "the metric")
            assert time.monotonic() - began < TOLD_WITHIN
            story.wait_without_pods(bad)
            assert story.admits(bad)  # the Service is as it was
            assert time.monotonic() - began < 2 * TOLD_WITHIN
            assert story.condition("Ready")["reason"] == Reason.ROLLED_BACK
            assert len(story.events(Reason.FENCE_REFUSED)) == 1
        story.wait(lambda: not story.admits(bad), "the fence once the webhook is gone")
        story.wait(lambda: not story.condition("Obstructed"), "nothing to be refused any more")
    records = once_reachable(traffic.stop())

    assert obstacle["reason"] == Reason.FENCE_REFUSED
    for words in (webhook, "scaled to 0 instead", bad):
        assert words in obstacle["message"]
        assert words in events[0].message
    assert not lost(records)


def test_a_policy_that_refuses_a_scale_down_is_told_and_the_promoted_model_is_ready(
    story: Story,
) -> None:
    name, namespace = story.namespace, story.namespace
    good = story.install("v1", replicas=2)
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    validation = {"expression": "object.spec.replicas >= 2", "message": "two replicas or more"}
    policy: Json = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation]},
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    binding: Json = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        },
    }
    kubectl.apply(policy, binding)
    try:
        new = story.install("v3", replicas=2, steps=({"weight": 50, "hold": "2s"},))
        told = story.wait(lambda: story.condition("Obstructed"), "the refusal to be told")
        ready = story.condition("Ready")
        assert ready["status"] == "True"
        assert story.condition("Stalled") == {}
        assert told["reason"] == Reason.WRITE_REFUSED
        for words in (f"ValidatingAdmissionPolicy {name}", "two replicas or more", good):
            assert words in told["message"]
            assert words in ready["message"]
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            kubectl.kubectl("delete", kind, name)
    story.wait(lambda: story.replicas(good) == 0, "the scale-down once it is allowed")
    story.wait(lambda: not story.condition("Obstructed"), "nothing to be refused any more")
    assert story.status()["stable"]["revision"] == new
