"""What a real API server answered to refused writes, and what is made of it.

The bodies are from Kubernetes 1.35; `webhook_denies`, `webhook_slow`, `storage_times_out` and
`too_many_requests` are as its source writes them.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davylamp.adapters.errors import (
    Conflict,
    Forbidden,
    NamespaceEnding,
    NotFound,
    OperatorError,
    Retryable,
    Terminal,
)
from davylamp.adapters.kubernetes.api_errors import api_error
from davylamp.adapters.kubernetes.resources import object_address
from davylamp.api.names import Reason
from davylamp.controller.obstacles.refusals import refusal_of

ANSWERS = json.loads(Path(__file__).with_name("apiserver_answers.json").read_text())
NOBODY = ""
RBAC = "the operator's own permissions (RBAC)"
GONE = "the webhook policy.hooks.example, which cannot be called"


def answered(name: str, kind: str = "Deployment") -> OperatorError:
    answer = ANSWERS[name]
    return api_error(
        verb="apply",
        address=object_address(kind, "models", "d1"),
        status=answer["status"],
        headers={"Retry-After": "7"},
        body=json.dumps(answer["body"]).encode(),
    )


@pytest.mark.parametrize(
    ("name", "kind", "by", "reason"),
    [
        ("rbac", Forbidden, RBAC, Reason.WRITE_REFUSED),
        ("rbac_list", Forbidden, RBAC, Reason.WRITE_REFUSED),
        ("quota", Forbidden, "the quota few", Reason.WRITE_REFUSED),
        (
            "policy",
            Forbidden,
            "the ValidatingAdmissionPolicy min-replicas",
            Reason.WRITE_REFUSED,
        ),
        (
            "webhook_denies",
            Forbidden,
            "the webhook validate.kyverno.svc-fail",
            Reason.WRITE_REFUSED,
        ),
        ("psa_pod", Forbidden, "the Pod Security level restricted:latest", Reason.WRITE_REFUSED),
        ("limit_range_pod", Forbidden, NOBODY, Reason.WRITE_REFUSED),
        ("webhook_gone", Retryable, GONE, Reason.WRITE_FAILING),
        ("webhook_slow", Retryable, GONE, Reason.WRITE_FAILING),
        (
            "webhook_certificate",
            Retryable,
            "the webhook policy2.hooks.example",
            Reason.WRITE_FAILING,
        ),
        ("storage_times_out", Retryable, NOBODY, Reason.WRITE_FAILING),
        ("too_many_requests", Retryable, NOBODY, Reason.WRITE_FAILING),
        ("conflict", Conflict, NOBODY, Reason.WRITE_FAILING),
        ("uid_conflict", Conflict, NOBODY, Reason.WRITE_FAILING),
        ("no_namespace", NotFound, NOBODY, Reason.WRITE_FAILING),
        ("immutable_selector", Terminal, NOBODY, Reason.WRITE_REFUSED),
        ("immutable_configmap", Terminal, NOBODY, Reason.WRITE_REFUSED),
        ("entity_too_large", Terminal, NOBODY, Reason.WRITE_REFUSED),
        ("etcd_too_large", Terminal, NOBODY, Reason.WRITE_REFUSED),
    ],
)
def test_who_refuses_is_read_and_no_policy_is_the_specs_fault(name, kind, by, reason):
    error = answered(name)
    assert type(error) is kind or (kind is Retryable and isinstance(error, Retryable))
    assert error.by.startswith(by) if by else not error.by
    refusal = refusal_of(error)
    assert refusal.reason is reason
    assert " ".join(ANSWERS[name]["body"]["message"].split()) in refusal.message
    assert error.by in refusal.message


@pytest.mark.parametrize("name", ["namespace_terminating", "event_terminating"])
def test_a_namespace_that_is_being_deleted_is_told_apart(name):
    assert isinstance(answered(name), NamespaceEnding)


def test_how_long_to_wait_is_the_servers_word():
    error = answered("too_many_requests")
    assert isinstance(error, Retryable)
    assert error.after == 7


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("requests_over_limits", "spec.serving.resources.requests"),
        ("bad_pull_policy", "spec.serving.template.spec.containers[model].imagePullPolicy"),
        ("unknown_field", "spec.serving.template.spec.containers[model].wrong"),
        ("bad_type", "spec.serving.template.spec.containers[model].ports"),
        ("bad_quantity", "spec.serving.resources.limits.memory"),
    ],
)
def test_what_kubernetes_says_of_the_pod_template_has_its_path_in_the_spec(name, path):
    container = {"name": "model", "resources": {"limits": {"memory": "512mb"}}}
    sent = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}
    reason, message = refusal_of(answered(name), sent)
    assert reason is Reason.INVALID_SPEC
    assert message.startswith(f"{path}: ")


def test_a_configuration_that_is_too_long_is_told_by_its_field():
    reason, message = refusal_of(answered("configmap_too_long", "ConfigMap"), {"kind": "ConfigMap"})
    assert (reason, message.split(":")[0]) == (Reason.INVALID_SPEC, "spec.config")


@given(words=st.text(max_size=2000))
def test_whatever_a_webhook_says_is_one_clean_line(words):
    message = f'admission webhook "w.example" denied the request: {words}'
    body = json.dumps({"kind": "Status", "message": message}).encode()
    where = object_address("Deployment", "models", "d1")
    error = api_error(verb="apply", address=where, status=403, headers={}, body=body)
    assert str(error).isprintable()
    assert len(str(error)) < 700
    assert error.by == "the webhook w.example"
