"""docs/model-server.md, the contract with model servers, is what the operator reads."""

import json
import re

import jsonschema
from tests.support.contract import Server, inspected
from tests.support.documents import DOCS, ROOT, text

from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.api.gates import Gate
from davylamp.api.spec import CheckName
from davylamp.checks import CheckReason, Expected
from davylamp.gates.kinds.registry import CHANNELS

PAGE = DOCS / "model-server.md"


def test_every_reason_of_a_check_is_in_the_contract():
    page = text(PAGE)
    assert not [reason for reason in CheckReason if f"`{reason}`" not in page]
    assert not [check for check in CheckName if f"| `{check}` |" not in page]


def test_the_smallest_manifest_of_the_contract_passes_the_schema_and_its_checks():
    page = text(PAGE)
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
    page, series = text(PAGE), SeriesNames()
    wanted = {metric for c in CHANNELS for metric in series.metrics(c)}
    bases = {re.sub(r"_(bucket|count|sum)$", "", metric) for metric in wanted}
    assert len(bases) == 6
    assert not [base for base in bases if f"`{base}" not in page]
    labels = ("feature_label", "group_label", "outcome_label", "code_label", "positive_outcome")
    assert not [name for name in labels if series[name] not in page]
    for kind in {field.alias for field in Gate.model_fields.values()} - {"name", "onFail"}:
        assert f"| `{kind}` |" in page, kind
