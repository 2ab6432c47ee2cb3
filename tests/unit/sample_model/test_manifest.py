import hashlib
import json

import jsonschema
import pytest

from diabetes_model import contract, release
from diabetes_model.manifest import Manifest, ManifestError

SMALLEST = {
    "format": "davylamp.dev/manifest/v1",
    "model": "cats",
    "image": {"tag": "2026-11"},
    "featureSnapshot": {"id": "monday"},
    "seed": 0,
    "golden": [{"request": {"any": "body"}, "predictions": [1]}],
}


@pytest.fixture(scope="module")
def schema(root):
    return json.loads((root / "manifest.schema.json").read_text())


@pytest.fixture(scope="module")
def check(schema):
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER).validate


@pytest.fixture
def document(good):
    return json.loads((good / "manifest.json").read_text())


def keys(schema, node):
    node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    return node, node.get("properties", {})


def undescribed(schema, node, value, path=""):
    """Keys of the document that the schema says nothing about."""
    node, known = keys(schema, node)
    if isinstance(value, list):
        for item in value:
            yield from undescribed(schema, node.get("items", {}), item, path)
    elif isinstance(value, dict) and known:
        for key, item in value.items():
            if key not in known:
                yield f"{path}.{key}"
            yield from undescribed(schema, known.get(key, {}), item, f"{path}.{key}")


@pytest.mark.parametrize("which", ["good", "bad", "unfair"])
def test_real_manifests_keep_the_published_schema(check, request, which):
    check(json.loads((request.getfixturevalue(which) / "manifest.json").read_text()))


def test_the_schema_describes_every_key_that_training_writes(schema, document):
    assert list(undescribed(schema, schema, document)) == []


def test_the_smallest_manifest_of_another_language_is_enough(check):
    check(SMALLEST)
    check(SMALLEST | {"anything": {"else": [None]}})


@pytest.mark.parametrize("key", list(SMALLEST))
def test_what_is_required_is_required(check, key):
    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        check({name: value for name, value in SMALLEST.items() if name != key})


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "davylamp.dev/manifest/v2"},
        {"image": {"tag": "no spaces"}},
        {"image": {}},
        {"featureSnapshot": {}},
        {"seed": -1},
        {"seed": 2**53},
        {"golden": []},
        {"golden": [{"request": {}, "predictions": ["1"]}]},
        {"tolerance": 0.01},
        {"bias": [{"by": "sex", "metric": "m", "groups": {"1": {"value": 1}}, "gap": 1}]},
        {"explanationBaseline": {"rows": 1}},
    ],
)
def test_what_is_wrong_is_refused(check, wrong):
    with pytest.raises(jsonschema.ValidationError):
        check(SMALLEST | wrong)


def test_a_manifest_reads_back_as_it_was_written(good, tmp_path, document):
    manifest = Manifest.read(good)
    assert manifest.document() == document
    manifest.write(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == (good / "manifest.json").read_bytes()


def test_the_file_begins_with_its_format(good):
    lines = (good / "manifest.json").read_text().splitlines()
    assert lines[1] == '  "format": "davylamp.dev/manifest/v1",'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other/v1"}, "manifest.json: format: Input should be 'davylamp.dev/manifest"),
        ({"seed": "42"}, "manifest.json: seed: Input should be a valid integer"),
        ({"image": {"tag": "x"}}, "manifest.json: image.commit: Field required"),
        ({"golden": [{"predictions": []}]}, "manifest.json: golden.0.request: Field required"),
    ],
)
def test_a_wrong_file_is_refused_by_the_key_that_is_wrong(document, change, message):
    with pytest.raises(ManifestError) as caught:
        Manifest.parse(json.dumps(document | change).encode())
    assert str(caught.value).startswith(message)
    with pytest.raises(ManifestError, match=r"manifest.json: file: Invalid JSON"):
        Manifest.parse(b"<html>")


def test_claims_of_origin(good, root):
    manifest = Manifest.read(good)
    chosen = release.read(root / "releases/v1.toml")
    assert manifest.model == "diabetes-risk"
    assert (manifest.image.dirty, manifest.image.base) == (False, "unknown")
    assert manifest.feature_snapshot.sha256 == chosen.sha256
    assert manifest.feature_snapshot.schema_sha256 == contract.sha256(contract.Kind.TRAINING)
    assert manifest.seeds == {"division": 42, "model": 42}
    assert manifest.lock_sha256 == sha256_of(root / "requirements/train.txt")
    assert "Nehalem" in manifest.machine["linearAlgebra"] or "ARMV8" in str(manifest.environment)
    assert manifest.machine["python"].startswith("CPython 3.")


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_the_image_is_made_of_is_said_by_whoever_builds_it(train, root, tmp_path):
    lock = tmp_path / "lock"
    lock.write_text("numpy==1")
    options = ("--dirty", "--base-image", "python@sha256:" + "0" * 64)
    manifest = Manifest.read(train("v1", *options, LOCK_FILE=str(lock)))
    assert manifest.image.dirty is True
    assert manifest.image.base == "python@sha256:" + "0" * 64
    assert manifest.lock_sha256 == sha256_of(lock)


def test_golden_explanations_add_up_to_the_last_digit(good):
    for golden in Manifest.read(good).golden:
        for prediction, explained in zip(golden.predictions, golden.explanations, strict=True):
            total = 0.0
            for value in explained.contributions.values():
                total += value
            assert explained.prediction == prediction == total + explained.baseline
            assert list(explained.contributions) == list(contract.NAMES)


def test_shares_of_explanations_sum_to_one(good):
    baseline = Manifest.read(good).explanation_baseline
    assert baseline.rows == 442
    assert sum(baseline.shares.values()) == pytest.approx(1, abs=1e-12)
    assert baseline.expected_value == Manifest.read(good).golden[0].explanations[0].baseline
