"""Examples are what the API takes; links, names and reasons in the documents exist."""

import json
import re
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml
from tests.support.contract import Server, inspected

from davylamp.adapters.errors import SourceFault
from davylamp.adapters.prometheus import templates
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.api import names
from davylamp.api.explanations import Explanations
from davylamp.api.gate_kinds import (
    ErrorRate,
    ExplanationShares,
    GroupGap,
    Latency,
    Predictions,
    Query,
)
from davylamp.api.gates import Gate, OnFail
from davylamp.api.names import Command, Reason
from davylamp.api.spec import CheckName, ModelDeploymentSpec, Source
from davylamp.checks import CheckReason, Expected
from davylamp.gates.samples import Channel
from davylamp.gates.verdicts import NO_DATA

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
CODE = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
TEST = re.compile(r"`(test_\w+)`")
ROOMS = "api|schema|gates|checks|rollout|manifests|adapters|controller|cli|simulation"
MODULE = re.compile(rf"`((?:{ROOMS})/[\w/]+\.py)`(?: `(\w+)`)?")
GATE_KINDS = {
    "errorRate": ErrorRate,
    "latency": Latency,
    "predictions": Predictions,
    "explanations": ExplanationShares,
    "bias": GroupGap,
    "query": Query,
}


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def links(path: Path) -> list[str]:
    found = LINK.findall(CODE.sub("", text(path)))
    return [link for link in found if "://" not in link]


@cache
def all_tests() -> str:
    return "\n".join(text(path) for path in sorted((ROOT / "tests").rglob("test_*.py")))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", text(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", EXAMPLES, ids=label)
def test_an_example_is_a_model_deployment(path):
    found = yaml.safe_load(text(path))
    assert (found["apiVersion"], found["kind"]) == (names.API_VERSION, names.KIND)
    assert ModelDeploymentSpec.model_validate(found["spec"]).image.tag


def test_the_full_example_says_every_field():
    spec = yaml.safe_load(text(ROOT / "examples" / "modeldeployment.yaml"))["spec"]
    for model, said in (
        (ModelDeploymentSpec, spec),
        (ModelDeploymentSpec.model_fields["image"].annotation, spec["image"]),
        (ModelDeploymentSpec.model_fields["feature_snapshot"].annotation, spec["featureSnapshot"]),
        (ModelDeploymentSpec.model_fields["serving"].annotation, spec["serving"]),
        (ModelDeploymentSpec.model_fields["rollout"].annotation, spec["rollout"]),
        (Source, spec["rollout"]["evidence"]),
        (Explanations, spec["explanations"]),
    ):
        assert {field.alias for field in model.model_fields.values()} == set(said)


def test_the_full_example_says_every_field_of_every_kind_of_gate():
    spec = yaml.safe_load(text(ROOT / "examples" / "modeldeployment.yaml"))["spec"]
    gates = spec["rollout"]["gates"]
    assert {key for gate in gates for key in gate} == {f.alias for f in Gate.model_fields.values()}
    for key, model in GATE_KINDS.items():
        said = {field for gate in gates if key in gate for field in gate[key]}
        assert said == {field.alias for field in model.model_fields.values()}, key


def test_user_queries_of_the_full_example_can_be_asked():
    spec = yaml.safe_load(text(ROOT / "examples" / "modeldeployment.yaml"))["spec"]
    queries = [gate["query"] for gate in spec["rollout"]["gates"] if "query" in gate]
    assert queries
    for query in queries:
        templates.check(query["promql"])
        assert "ratio" not in query or re.search(r"\{\{\s*(pods|revision)\s*\}\}", query["promql"])


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
        source = ROOT / "operator" / "davylamp" / module
        assert source.is_file(), module
        assert not function or f"def {function}(" in text(source), function


def test_every_page_is_listed():
    for folder in (RUNBOOKS, ROOT / "docs" / "decisions"):
        pages = {path.name for path in folder.glob("*.md")} - {"README.md"}
        assert pages == {link for link in links(folder / "README.md") if "/" not in link}


def test_every_alert_has_its_runbook():
    rules = yaml.safe_load(text(ROOT / "charts" / "davylamp" / "files" / "alerts.yaml"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert {path.stem for path in RUNBOOKS.glob("Davylamp*.md")} == {a["alert"] for a in alerts}
    for alert in alerts:
        url = alert["annotations"].get("runbook_url")
        assert url is None or (RUNBOOKS / url.rsplit("/", 1)[-1]).is_file()


def test_every_hold_is_in_the_runbook():
    sources = [text(path) for path in sorted((ROOT / "operator/davylamp/rollout").rglob("*.py"))]
    holds = set(re.findall(r"Hold\(\s*Reason\.([A-Z_]+)", "\n".join(sources)))
    page = text(RUNBOOKS / "rollout-does-not-go-on.md")
    assert len(holds) > 12
    assert not [Reason[hold] for hold in holds if f"| `{Reason[hold]}` |" not in page]
    assert not [gap for gap in NO_DATA | set(SourceFault) if f"| `{gap}` |" not in page]


def test_every_reason_for_taking_back_is_in_the_runbook():
    sources = [
        text(ROOT / f"operator/davylamp/rollout/{n}.py")
        for n in (
            "moves/rollbacks",
            "moves/checks",
            "moves/commands",
            "faults",
            "moves/gates",
            "moves/drift",
        )
    ]
    found = re.findall(
        r"(?:roll_back|roll_back_promoted)\([^()]*?Reason\.([A-Z_]+)", "\n".join(sources)
    )
    found += re.findall(r"Fault\(\s*Reason\.([A-Z_]+)", "\n".join(sources))
    page = text(RUNBOOKS / "DavylampRolledBack.md")
    assert len(set(found)) > 5
    assert not [Reason[name] for name in found if f"`{Reason[name]}`" not in page]


def test_every_state_of_a_verification_is_in_the_runbook():
    source = text(ROOT / "operator" / "davylamp" / "rollout" / "moves" / "verification.py")
    page = text(RUNBOOKS / "DavylampRollbackNotVerified.md")
    told = {Reason[name] for name in re.findall(r"\bReason\.([A-Z_]+)", source)}
    assert {Reason.VERIFYING, Reason.NOTHING_TO_VERIFY} <= told
    assert not [r for r in told - {Reason.ROLLBACK_VERIFIED} if r not in page]


def test_every_reason_of_a_check_is_in_the_contract():
    page = text(ROOT / "docs" / "model-server.md")
    assert not [reason for reason in CheckReason if f"`{reason}`" not in page]
    assert not [check for check in CheckName if f"| `{check}` |" not in page]


def test_the_smallest_manifest_of_the_contract_passes_the_schema_and_its_checks():
    page = text(ROOT / "docs" / "model-server.md")
    block = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert block
    manifest = json.loads(block[1])
    schema = json.loads(text(ROOT / "sample_model" / "manifest.schema.json"))
    jsonschema.validate(manifest, schema)
    checks = [CheckName.MANIFEST, CheckName.GOLDEN]
    server = Server(manifest)
    expected = Expected("v1-3f2c1ab", "2026-11-01", 42)
    assert {r.verdict.value for r in inspected(server, checks, expected).values()} == {"Pass"}


def test_every_series_that_a_gate_reads_is_in_the_contract():
    page, series = text(ROOT / "docs" / "model-server.md"), SeriesNames()
    wanted = {metric for c in Channel if c is not Channel.QUERY for metric in series.metrics(c)}
    bases = {re.sub(r"_(bucket|count|sum)$", "", metric) for metric in wanted}
    assert len(bases) == 6
    assert not [base for base in bases if f"`{base}" not in page]
    labels = (series.feature_label, series.group_label, series.outcome_label, series.code_label)
    assert not [each for each in (*labels, series.positive_outcome) if each not in page]
    for kind in GATE_KINDS:
        assert f"| `{kind}` |" in page, kind


def test_every_value_of_on_fail_is_in_the_readme():
    assert not [each for each in OnFail if f"`{each}`" not in text(ROOT / "README.md")]


def test_commands_and_labels_are_spelt_as_the_operator_reads_them():
    said = set()
    for path in DOCUMENTS:
        said |= set(re.findall(rf"{re.escape(names.GROUP)}/[a-z]+(?==)", text(path)))
    labels = {names.LABEL_MODEL, names.LABEL_REVISION, names.LABEL_EXPLAINS}
    assert set(Command) <= said <= set(Command) | labels
