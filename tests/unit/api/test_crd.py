"""The generated CRD: structural, described, with defaults, and the same as the models."""

import re

import pytest

from davylamp.api.crd import MAX_NAME_LENGTH, custom_resource_definition
from davylamp.api.spec import MAX_SEED, ModelDeploymentSpec
from davylamp.api.status import ModelDeploymentStatus

CRD = custom_resource_definition()
VERSION = CRD["spec"]["versions"][0]
ROOT = VERSION["schema"]["openAPIV3Schema"]
SPEC = ROOT["properties"]["spec"]
STATUS = ROOT["properties"]["status"]
FORBIDDEN = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "const", "title", "nullable"}


def schemas(node, path):
    """Every schema below (and with) a schema, with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from schemas(child, f"{path}.{name}")
    if "items" in node:
        yield from schemas(node["items"], f"{path}[]")
    if isinstance(node.get("additionalProperties"), dict):
        yield from schemas(node["additionalProperties"], f"{path}{{}}")


OVERLAY = SPEC["properties"]["serving"]["properties"]["template"]
"""It is made of another table than the models: test_overlay_schema.py."""
ALL = [
    *(part for part in schemas(SPEC, "spec") if not part[0].startswith("spec.serving.template.")),
    *schemas(STATUS, "status"),
]


def at(path):
    return next(schema for known, schema in ALL if known == path)


def values_in(node):
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from values_in(child)


@pytest.mark.parametrize(("path", "schema"), ALL, ids=[path for path, _ in ALL])
def test_every_field_is_structural(path, schema):
    assert not FORBIDDEN & set(schema)
    assert "type" in schema or schema.get("x-kubernetes-int-or-string")
    assert not ("properties" in schema and "additionalProperties" in schema)
    assert schema.get("type") != "array" or "items" in schema


@pytest.mark.parametrize(("path", "schema"), ALL, ids=[path for path, _ in ALL])
def test_every_field_is_described(path, schema):
    if path.endswith(("[]", "{}")) and schema.get("type") != "object":
        return  # what a list or map of plain values holds is said at the list
    assert schema["description"].strip()
    assert schema["description"].endswith((".", "value 2 means 1 %."))


def test_a_group_whose_presence_means_something_is_not_made_up():
    explanations = at("spec.explanations")
    assert "default" not in explanations
    assert explanations["properties"]["distance"]["default"] == "0.1"
    assert at("spec.rollout")["default"] is not None


def test_there_are_no_nulls_anywhere():
    assert not [value for value in values_in(CRD) if value is None]


@pytest.mark.parametrize(
    ("path", "default"),
    [
        ("status", {"observedGeneration": -1}),
        ("spec.paused", False),
        ("spec.serving", {}),
        ("spec.serving.port", 8080),
        ("spec.rollout", {}),
        ("spec.rollout.minRequests", 50),
        ("spec.rollout.falseRollback", "1%"),
        ("spec.rollout.progressDeadline", "10m"),
        ("spec.rollout.deadline", "2h"),
        ("spec.rollout.onDeadline", "Pause"),
        ("spec.rollout.probation", "10m"),
        ("spec.rollout.traffic.router", "Service"),
        ("spec.rollout.gates[].errorRate.method", "Sequential"),
        ("spec.image.pullPolicy", "IfNotPresent"),
        ("spec.secrets[].policy", "Follow"),
    ],
)
def test_defaults_are_shown(path, default):
    assert at(path)["default"] == default


def test_replicas_have_no_default_so_that_leaving_them_out_scales_nothing():
    assert "default" not in at("spec.replicas")


def test_default_steps_and_gates_are_valid_and_complete():
    rollout = SPEC["properties"]["rollout"]["properties"]
    assert [step["weight"] for step in rollout["steps"]["default"]] == [5, 25, 50]
    assert [gate["name"] for gate in rollout["gates"]["default"]] == ["errors"]


def test_the_status_has_no_default_but_that_nobody_has_looked():
    assert [path for path, schema in schemas(STATUS, "status") if "default" in schema] == ["status"]


def test_the_seed_survives_readers_that_know_only_doubles():
    seed = at("spec.seed")
    assert (seed["minimum"], seed["maximum"], seed["format"]) == (0, MAX_SEED, "int64")
    assert float(MAX_SEED) == MAX_SEED == 2**53 - 1


def test_what_must_be_there_is_required():
    assert set(SPEC["required"]) == {"image", "featureSnapshot", "seed"}
    assert ROOT["required"] == ["spec"]


def test_lists_that_are_merged_by_key_say_so():
    for path, key in [
        ("spec.secrets", "name"),
        ("spec.rollout.gates", "name"),
        ("status.conditions", "type"),
    ]:
        assert at(path)["x-kubernetes-list-map-keys"] == [key]
        assert key in at(f"{path}[]")["required"]


def test_the_pod_template_overlay_is_one_of_the_fields():
    assert set(OVERLAY["properties"]) == {"$overlay", "metadata", "spec"}
    assert "default" not in OVERLAY


def test_resources_take_numbers_and_strings():
    quantity = at("spec.serving.resources.limits{}")
    assert quantity["x-kubernetes-int-or-string"] is True
    assert "type" not in quantity


@pytest.mark.parametrize(
    ("path", "fragment"),
    [
        ("spec.image.tag", "latest"),
        ("spec.rollout.steps", "rise"),
        ("spec.rollout.steps", "pause"),
        ("spec.rollout.gates[].errorRate", "Threshold needs window"),
        ("spec.rollout.gates[].errorRate", "between 0% and 100%"),
        ("spec.rollout.falseRollback", "between 0% and 100%"),
        ("spec.rollout.progressDeadline", "above 0s"),
        ("spec.config", "environment variables"),
    ],
)
def test_what_a_schema_cannot_say_is_a_cel_rule_with_a_sentence(path, fragment):
    rules = at(path)["x-kubernetes-validations"]
    assert any(fragment in rule["message"] for rule in rules)
    assert all(rule["rule"] for rule in rules)


def test_every_pattern_is_anchored_and_every_string_with_a_pattern_bounded():
    for path, schema in schemas(SPEC, "spec"):
        if "pattern" in schema:
            assert schema["pattern"].startswith("^"), path
            assert schema["pattern"].endswith("$"), path
            assert schema["maxLength"] <= 2048, path
            re.compile(schema["pattern"])


def test_names_leave_room_for_the_names_of_pods():
    pod = "n" * MAX_NAME_LENGTH + "-" + "r" * 10
    assert len(pod) <= 63
    rules = " ".join(rule["rule"] for rule in ROOT["x-kubernetes-validations"])
    assert f"<= {MAX_NAME_LENGTH}" in rules


def test_kubectl_cannot_mistake_it_for_another_kind():
    named = CRD["spec"]["names"]
    assert CRD["metadata"]["name"] == "modeldeployments.davylamp.dev"
    assert (named["plural"], named["categories"]) == ("modeldeployments", ["davylamp"])
    assert "shortNames" not in named, "`md` is MachineDeployment, `mdeploy` another ModelDeployment"


def test_kubectl_sees_columns_and_scale():
    scale = VERSION["subresources"]["scale"]
    assert scale["labelSelectorPath"] == ".status.selector"
    assert VERSION["subresources"]["status"] == {}
    columns = [column["name"] for column in VERSION["additionalPrinterColumns"]]
    assert {"Ready", "Tag", "Candidate", "Weight", "Reason", "Age"} <= set(columns)


@pytest.mark.parametrize(
    ("model", "schema"), [(ModelDeploymentSpec, SPEC), (ModelDeploymentStatus, STATUS)]
)
def test_the_models_and_the_schema_have_the_same_fields(model, schema):
    wire = {field.alias or name for name, field in model.model_fields.items()}
    assert wire == set(schema["properties"])
