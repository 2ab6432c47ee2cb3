"""The examples are what the API takes, and the full one has every field."""

import re
from typing import get_args

import pytest
import yaml
from tests.support.documents import ROOT, label, text

from davylamp.adapters.prometheus import templates
from davylamp.api import names
from davylamp.api.explanations import Explanations
from davylamp.api.gates import Gate, OnFail
from davylamp.api.spec import ModelDeploymentSpec, Source

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
GATE_KINDS = {
    field.alias: get_args(field.annotation)[0]
    for name, field in Gate.model_fields.items()
    if name not in {"name", "on_fail"}
}
"""The admission model of each kind of gate, by its field."""


@pytest.mark.parametrize("path", EXAMPLES, ids=label)
def test_an_example_is_a_model_deployment(path):
    manifest = yaml.safe_load(text(path))
    assert (manifest["apiVersion"], manifest["kind"]) == (names.API_VERSION, names.KIND)
    assert ModelDeploymentSpec.model_validate(manifest["spec"]).image.tag


def test_the_full_example_says_every_field():
    spec = yaml.safe_load(text(ROOT / "examples" / "modeldeployment.yaml"))["spec"]
    for model, fields in (
        (ModelDeploymentSpec, spec),
        (ModelDeploymentSpec.model_fields["image"].annotation, spec["image"]),
        (ModelDeploymentSpec.model_fields["feature_snapshot"].annotation, spec["featureSnapshot"]),
        (ModelDeploymentSpec.model_fields["serving"].annotation, spec["serving"]),
        (ModelDeploymentSpec.model_fields["rollout"].annotation, spec["rollout"]),
        (Source, spec["rollout"]["evidence"]),
        (Explanations, spec["explanations"]),
    ):
        assert {field.alias for field in model.model_fields.values()} == set(fields)


def test_the_full_example_says_every_field_of_every_kind_of_gate():
    spec = yaml.safe_load(text(ROOT / "examples" / "modeldeployment.yaml"))["spec"]
    gates = spec["rollout"]["gates"]
    assert {key for gate in gates for key in gate} == {f.alias for f in Gate.model_fields.values()}
    for key, model in GATE_KINDS.items():
        fields = {field for gate in gates if key in gate for field in gate[key]}
        assert fields == {field.alias for field in model.model_fields.values()}, key


def test_the_user_queries_of_the_full_example_can_be_asked():
    spec = yaml.safe_load(text(ROOT / "examples" / "modeldeployment.yaml"))["spec"]
    queries = [gate["query"] for gate in spec["rollout"]["gates"] if "query" in gate]
    assert queries
    for query in queries:
        templates.check(query["promql"])
        assert "ratio" not in query or re.search(r"\{\{\s*(pods|revision)\s*\}\}", query["promql"])


def test_every_value_of_on_fail_is_in_the_readme():
    assert not [value for value in OnFail if f"`{value}`" not in text(ROOT / "README.md")]
