"""Links, names of tests and modules in the documents exist; commands name the full resource."""

import ast
import re
import tomllib
from functools import cache

import pytest
from tests.support.documents import DOCS, DOCUMENTS, ROOT, RUNBOOKS, anchors, label, links, text

from davylamp.api import names
from davylamp.api.names import Command

TEST = re.compile(r"`(test_\w+)`")
ROOMS = "api|schema|gates|checks|rollout|manifests|adapters|controller|cli|simulation"
MODULE = re.compile(rf"`((?:{ROOMS})/[\w/]+\.py)`(?: `(\w+)`)?")
SHORT_NAME = re.compile(r"\bkubectl\b[^`|\n]*\s(?:md|mdeploy)\b|\bmd/|\bmdeploy\b|\$MD\b|\bMD=")
OTHER_KIND = re.compile(r"\bkubectl\b[^`|\n]*\smodeldeployments?(?![\w./])")
"""A command that names the kind without its group: other projects have a ModelDeployment too."""
FILTER_OVER_MANY = re.compile(r"\?\(@[^)]*\[\*\]")
"""A jsonpath that kubectl gives up on: it compares one value with one."""
PRINTED = ("charts/davylamp/files/*.yaml", "charts/davylamp/templates/*", "examples/*.yaml")


def printed() -> list:
    return [*DOCUMENTS, *(p for glob in PRINTED for p in sorted(ROOT.glob(glob)) if p.is_file())]


@cache
def all_tests() -> str:
    return "\n".join(text(path) for path in sorted((ROOT / "tests").rglob("test_*.py")))


@pytest.mark.parametrize("path", DOCUMENTS, ids=label)
def test_every_internal_link_resolves(path):
    for link in links(path):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=label)
def test_every_test_and_module_that_is_named_exists(path):
    for name in TEST.findall(text(path)):
        assert f"def {name}(" in all_tests(), name
    for module, function in MODULE.findall(text(path)):
        if "<" in module or module in PLANNED:
            continue
        source = ROOT / "operator" / "davylamp" / module
        assert source.is_file(), module
        assert not function or f"def {function}(" in text(source), function


PLANNED = ("gates/kinds/registry.py",)


def test_every_page_is_listed():
    for folder in (RUNBOOKS, DOCS / "decisions"):
        pages = {path.name for path in folder.glob("*.md")} - {"README.md"}
        assert pages == {link for link in links(folder / "README.md") if "/" not in link}


def test_the_glossary_and_the_reference_are_found_from_where_people_begin():
    for page in ("README.md", "docs/ARCHITECTURE.md"):
        assert any(
            link.startswith(("docs/glossary.md", "glossary.md")) for link in links(ROOT / page)
        )
    assert "docs/glossary.md" in links(ROOT / "CONTRIBUTING.md")
    assert "docs/reference.md" in links(ROOT / "README.md")


@pytest.mark.parametrize("path", printed(), ids=label)
def test_no_command_is_printed_with_a_name_that_another_kind_has(path):
    page = text(path)
    assert not SHORT_NAME.search(page), SHORT_NAME.search(page)
    assert not OTHER_KIND.search(page), OTHER_KIND.search(page)


@pytest.mark.parametrize("path", printed(), ids=label)
def test_no_jsonpath_compares_many_values_with_one(path):
    assert not FILTER_OVER_MANY.search(text(path)), FILTER_OVER_MANY.search(text(path))


@pytest.mark.parametrize("folder", ["operator/davylamp", "kind"])
def test_no_message_has_a_command_with_a_name_that_another_kind_has(folder):
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not SHORT_NAME.search(node.value), (label(path), node.value)
                assert not re.search(r" (md|modeldeployments?) (\{|NAME|$)", node.value), label(
                    path
                )


def test_commands_and_labels_are_spelt_as_the_operator_reads_them():
    spelt = set()
    for path in DOCUMENTS:
        spelt |= set(re.findall(rf"{re.escape(names.GROUP)}/[a-z]+(?==)", text(path)))
    labels = {names.LABEL_MODEL, names.LABEL_REVISION, names.LABEL_EXPLAINS}
    assert set(Command) <= spelt <= set(Command) | labels


def test_contributing_names_the_rooms_of_the_core_as_the_import_contract_does():
    project = tomllib.loads(text(ROOT / "pyproject.toml"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (core,) = [c["source_modules"] for c in contracts if c["name"].startswith("the core is pure")]
    rooms = ", ".join(f"`{module.removeprefix('davylamp.')}`" for module in core)
    assert f"The core ({rooms}) is pure" in " ".join(text(ROOT / "CONTRIBUTING.md").split())
