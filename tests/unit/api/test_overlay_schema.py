"""The definition bounds everything that can be written, and an overlay holds what a pod template has."""

import base64
import gzip
import json

import pytest
import yaml

from davylamp.__main__ import main
from davylamp.api.crd import custom_resource_definition
from davylamp.api.template import SHAPES, overlay_schema
from davylamp.schema.kubernetes import is_quantity

CRD = custom_resource_definition()
ROOT = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
LARGEST_ANNOTATION = 262_144
"""Bytes of all annotations of an object; plain `kubectl apply` keeps the whole of it in one."""
LARGEST_SECRET = 1024 * 1024
DEEPEST = 14


def schemas(node, path):
    """Every schema below (and with) a schema, with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from schemas(child, f"{path}.{name}")
    for name, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(node.get(name), dict):
            yield from schemas(node[name], f"{path}{mark}")


SPEC = list(schemas(ROOT["spec"], "spec"))
STATUS = list(schemas(ROOT["status"], "status"))
OVERLAY = list(schemas(overlay_schema(), "template"))


def is_text(schema):
    return schema.get("type") == "string" or "x-kubernetes-int-or-string" in schema


def test_nothing_of_the_definition_is_open():
    for path, schema in (*SPEC, *STATUS):
        assert "x-kubernetes-preserve-unknown-fields" not in schema, path
        assert "x-kubernetes-embedded-resource" not in schema, path
        if schema.get("type") == "object":
            assert schema.keys() & {"properties", "additionalProperties"}, path


def test_every_list_and_map_has_a_largest_number():
    for path, schema in (*SPEC, *STATUS):
        assert schema.get("type") != "array" or 0 < schema["maxItems"] <= 256, path
        assert "additionalProperties" not in schema or 0 < schema["maxProperties"] <= 256, path


def test_every_text_of_a_spec_has_a_greatest_length():
    for path, schema in SPEC:
        if is_text(schema) and "enum" not in schema:
            assert 0 < schema["maxLength"] <= 131_072, path


def test_every_number_of_a_spec_has_bounds():
    for path, schema in SPEC:
        if schema.get("type") == "integer":
            assert schema.get("format") == "int64" or "minimum" in schema, path
            assert schema.get("format") == "int64" or "maximum" in schema, path
        assert schema.get("type") != "number", f"{path}: floats do not survive a round trip"


def test_an_overlay_is_no_deeper_than_a_pod_template():
    assert max(path.count(".") for path, _ in OVERLAY) <= DEEPEST


def test_an_overlay_has_every_field_of_a_pod_template_and_no_other():
    paths = {path for path, _ in OVERLAY}
    for name, fields in SHAPES.items():
        assert {f for f in fields if not any(p.endswith(f".{f}") for p in paths)} == set(), name
    assert "template.spec.containers[].securityContext.capabilities.drop[]" in paths
    assert "template.metadata.name" not in paths
    assert "template.spec.ephemeralContainers" not in paths


def test_every_object_of_an_overlay_takes_a_directive_and_every_field_null():
    for path, schema in OVERLAY:
        if "properties" in schema:
            assert schema["properties"]["$overlay"]["enum"] == ["delete", "replace"], path
        for name, field in schema.get("properties", {}).items():
            assert name == "$overlay" or field["nullable"] is True, f"{path}.{name}"


def test_an_overlay_needs_no_rule_that_costs_and_no_default_that_makes_a_revision():
    for path, schema in OVERLAY:
        assert not schema.keys() & {"x-kubernetes-validations", "default", "description"}, path


def test_plain_kubectl_apply_can_upgrade_the_definition():
    """It sends a strategic patch, and takes properties of these names for directives of its own."""
    words = ("$patch", "$retainKeys", "$setElementOrder", "$deleteFromPrimitiveList")
    for path, schema in (*SPEC, *STATUS):
        for name in schema.get("properties", {}):
            assert not name.startswith(words), f"{path}.{name}"


def test_plain_kubectl_apply_can_install_the_definition(capsys):
    assert main(["crd"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    kept = json.dumps(printed, separators=(",", ":"))
    assert len(kept.encode()) < 0.75 * LARGEST_ANNOTATION


def test_helm_can_keep_the_chart_in_a_secret():
    """A release holds the chart's files in base64 and what was rendered of them, in one Secret."""
    definition = json.dumps(CRD).encode()
    release = gzip.compress(base64.b64encode(definition) + definition)
    assert len(base64.b64encode(release)) < LARGEST_SECRET / 4


@pytest.mark.parametrize("value", ["1e999", "1e100", "9" * 65, "512mb", "", "1e", "x"])
def test_a_quantity_that_no_pod_can_have_is_refused_by_both_sides(value):
    assert not is_quantity(value)
