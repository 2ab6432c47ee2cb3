"""Refused writes in words: whose fault they are, and which field of the spec they are about."""

from datetime import UTC, datetime, timedelta

import pytest

from davylamp.adapters.errors import Conflict, Forbidden, Retryable, Terminal
from davylamp.api.names import Reason
from davylamp.controller.cluster.cache import Key
from davylamp.controller.obstacles.refusals import Refusals, RefusedJob, refusal_of, where_to_look
from davylamp.schema.json import JsonObject

KEY = Key("models", "risk")
NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
JOB = RefusedJob({"kind": "Job"}, "403 quota", NOW)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Retryable("500"), Reason.WRITE_FAILING),
        (Conflict("409"), Reason.WRITE_FAILING),
        (Forbidden("403"), Reason.WRITE_REFUSED),
        (Terminal(Reason.NAME_TAKEN, "taken"), Reason.NAME_TAKEN),
        (Terminal("Invalid", "422 field is immutable"), Reason.WRITE_REFUSED),
    ],
)
def test_an_error_has_a_reason_and_is_the_specs_fault_only_where_it_names_a_field_of_it(
    error, reason
):
    assert refusal_of(error) == (reason, str(error))


def test_who_refused_comes_first():
    refusal = refusal_of(Forbidden("apply Deployment: 422 denied", by="the webhook w"))
    assert refusal.message == "refused by the webhook w: apply Deployment: 422 denied"


@pytest.mark.parametrize(
    ("by", "command"),
    [
        ("the ValidatingAdmissionPolicy p", "describe validatingadmissionpolicy p"),
        ("the MutatingAdmissionPolicy p", "describe mutatingadmissionpolicy p"),
        ("the quota team", "describe resourcequota team"),
        ("the webhook w", "get validatingwebhookconfigurations,mutatingwebhookconfigurations"),
        ("the webhook w, which cannot be called", "get validatingwebhookconfigurations,"),
    ],
)
def test_whose_rule_it_is_can_be_looked_up_as_printed(by, command):
    where = where_to_look(by, "models")
    assert where.startswith(f"`kubectl {command}")
    assert where.endswith(" -n models`")


@pytest.mark.parametrize("by", ["", "the operator's own permissions (RBAC)"])
def test_where_no_object_holds_the_rule_none_is_named(by):
    assert not where_to_look(by, "models")


DEPLOYMENT: JsonObject = {
    "kind": "Deployment",
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {"name": "model", "resources": {"limits": {"memory": "512mb", "cpu": 1}}},
                    {"name": "proxy", "resources": {"requests": {"memory": "10Mi"}}},
                ],
                "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
            }
        }
    },
}


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("spec.template.spec.containers[0].resources.limits", "spec.serving.resources.limits"),
        ("spec.template.spec.containers[0].image", "spec.image"),
        (
            "spec.template.spec.containers[1].resources.limits",
            "spec.serving.template.spec.containers[proxy].resources.limits",
        ),
        (
            'spec.template.spec.containers[name="model"].ports',
            "spec.serving.template.spec.containers[model].ports",
        ),
        ("spec.template.spec.volumes[0].name", "spec.serving.template.spec.volumes[0].name"),
        ("spec.template.metadata.labels", "spec.serving.template.metadata.labels"),
        ("spec.template.labels", "spec.serving.template.metadata.labels"),  # as it is told
        ("spec.selector", None),
    ],
)
def test_a_field_of_the_pod_template_is_told_by_its_path_in_the_spec(field, path):
    error = Terminal("Invalid", "422", fields=(field,))
    refusal = refusal_of(error, DEPLOYMENT)
    if path is None:
        assert refusal == (Reason.WRITE_REFUSED, "422")
    else:
        assert refusal == (Reason.INVALID_SPEC, f"{path}: 422")


def test_an_amount_that_is_none_is_looked_for_as_the_answer_names_no_field():
    error = Terminal("Invalid", "500 quantities must match the regular expression")
    reason, message = refusal_of(error, DEPLOYMENT)
    assert reason is Reason.INVALID_SPEC
    assert message.startswith("spec.serving.resources.limits.memory: 500 quantities must match")


def test_a_configuration_that_is_too_long_is_the_specs():
    error = Terminal("Invalid", "422 []: Too long: may not be more than 1048576 bytes")
    assert refusal_of(error, {"kind": "ConfigMap"}).message.startswith("spec.config: ")


def test_a_refused_job_stands_for_a_while_and_as_long_as_it_is_the_same():
    assert JOB.stands({"kind": "Job"}, NOW + timedelta(minutes=4))
    assert not JOB.stands({"kind": "Job"}, NOW + timedelta(minutes=5))
    assert not JOB.stands({"kind": "Job", "spec": {}}, NOW)
    assert not JOB.stands(None, NOW)


def test_jobs_are_remembered_by_kind_and_forgotten_with_their_object():
    refusals = Refusals()
    refusals.note_job(KEY, "Job", JOB)
    refusals.note_job(KEY, "CronJob", JOB)
    refusals.clear_jobs(KEY, ["CronJob"])
    assert refusals.jobs(KEY) == {"Job": JOB}
    refusals.forget(KEY)
    assert not refusals.jobs(KEY)
