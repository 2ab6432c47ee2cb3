"""docs/pod-template.md says what the code does: examples, privileges and bounds."""

import re

import pytest
import yaml
from tests.support.documents import DOCS, code, rows, section
from tests.support.manifests import changed, minimal

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.template import LONGEST_ARGUMENT, MOST_ITEMS, VERSION
from davylamp.manifests import Privilege, template_fault
from davylamp.manifests.overlay.bounds import MOST_TEXT, MOST_VALUES

PAGE = DOCS / "pod-template.md"


def overlay(example):
    """The overlay that an example shows, whatever it shows around it."""
    for key in ("spec", "serving", "template"):
        example = example.get(key, example)
    return example


EXAMPLES = [
    overlay(yaml.safe_load(block))
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
]


def test_there_are_examples():
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("template", EXAMPLES)
def test_an_example_is_an_overlay_that_is_followed(template):
    manifest = changed(minimal(), {"spec.serving": {"template": template, "port": 8080}})
    assert template_fault(ModelDeploymentSpec.model_validate(manifest["spec"])) is None


def test_every_privilege_is_explained():
    listed = [code(row[0])[0] for row in list(rows(section(PAGE, "## Privileges")))[1:]]
    assert listed == sorted(Privilege, key=str.casefold)


def test_the_bounds_are_those_of_the_code():
    refused = section(PAGE, "## What is refused")
    assert f"Kubernetes {VERSION}" in refused
    for number in (MOST_ITEMS, LONGEST_ARGUMENT, MOST_VALUES):
        assert re.search(rf"\b{number}\b", refused), number
    assert f"{MOST_TEXT // 1024} KiB" in refused
