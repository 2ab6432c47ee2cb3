"""The CustomResourceDefinition in the chart: the generated one, whole, and kept."""

import json

import pytest
import yaml
from tests.chart.conftest import CHART, REPOSITORY

pytestmark = pytest.mark.chart

NAME = "davylamp.dev_modeldeployments.yaml"
KEEP = {"helm.sh/resource-policy": "keep"}


@pytest.fixture(scope="module")
def source():
    return yaml.safe_load((CHART / "files" / "crds" / NAME).read_text(encoding="utf-8"))


def test_the_chart_carries_the_generated_definition():
    generated = (REPOSITORY / "crds" / NAME).read_bytes()
    assert (CHART / "files" / "crds" / NAME).read_bytes() == generated


def test_rendering_changes_nothing_but_labels_and_annotations(defaults, source):
    crd = defaults.one("CustomResourceDefinition")
    assert crd["spec"] == source["spec"]
    # 1.0 == 1 in Python, but not for an integer field of the API server.
    assert json.dumps(crd["spec"], sort_keys=True) == json.dumps(source["spec"], sort_keys=True)
    assert crd["metadata"]["name"] == "modeldeployments.davylamp.dev"
    own = source["metadata"].get("annotations", {})
    assert crd["metadata"]["annotations"] == own | KEEP


def test_definition_goes_with_the_release_when_told(render, source):
    crd = render({"crds": {"keep": False}}).one("CustomResourceDefinition")
    own = source["metadata"].get("annotations", {})
    assert crd["metadata"].get("annotations", {}) == own


def test_definition_can_be_left_out(render, template):
    assert render({"crds": {"install": False}}).of("CustomResourceDefinition") == []
    assert template({"crds": {"install": False}}).returncode == 0
