"""The image is the model that the spec names, or every difference is named."""

import pytest
from tests.support.contract import EXPECTED, Server, inspected, manifest_of
from tests.unit.checks.outcomes import failing, verdicts

from davylamp.checks import Declined, Expected


def test_every_difference_to_the_spec_is_named():
    server = Server(manifest_of(tag="v9", snapshot="2026-11-08", seed=7))
    result = inspected(server)["Manifest"]
    assert (result.verdict, result.reason) == ("Fail", "ManifestDiffers")
    assert result.message == (
        "the manifest's image.tag differs from the spec, which says v1-3f2c1ab; "
        "the manifest's featureSnapshot.id differs from the spec, which says 2026-11-01; "
        "the manifest's seed is 7, the spec says 42"
    )


def test_the_content_of_the_snapshot_counts_where_the_spec_names_it():
    other = Expected(EXPECTED.tag, EXPECTED.snapshot, EXPECTED.seed, sha256="0" * 64)
    assert "featureSnapshot.sha256" in failing(Server(), expected=other).message
    without_hash = Expected(EXPECTED.tag, EXPECTED.snapshot, EXPECTED.seed)
    assert verdicts(Server(), expected=without_hash)["Manifest"] == "Pass"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.pop("model"), "model is missing"),
        (lambda m: m["image"].pop("tag"), "image.tag is missing"),
        (lambda m: m.update(image="v1"), "image is not an object"),
        (lambda m: m.pop("featureSnapshot"), "featureSnapshot is missing"),
        (lambda m: m.pop("seed"), "seed is missing"),
    ],
)
def test_what_a_manifest_lacks_is_named(change, words):
    result = failing(Server().claim(change))
    assert (result.name, result.reason) == ("Manifest", "ManifestInvalid")
    assert words in result.message


def test_true_is_not_a_seed():
    one = Expected(EXPECTED.tag, EXPECTED.snapshot, 1, EXPECTED.sha256)
    assert "seed" in failing(Server(manifest_of(seed=True)), expected=one).message


@pytest.mark.parametrize("value", ["davylamp.dev/manifest/v2", None, 3, ["x"]])
def test_another_format_fails_all_checks_with_one_sentence(value):
    results = inspected(Server().claim(lambda m: m.update(format=value)))
    assert {r.reason for r in results.values()} == {"ManifestInvalid"}
    assert len({r.message for r in results.values()}) == 1
    assert "docs/model-server.md" in results["Golden"].message


def test_no_manifest_says_what_to_do():
    missing = Declined("GET /manifest answered 404", 404)
    server = Server().answer("/manifest", lambda _: missing)
    results = inspected(server)
    assert {(r.verdict, r.reason) for r in results.values()} == {("Fail", "NoManifest")}
    assert "see docs/model-server.md, or set spec.rollout.checks: []" in results["Manifest"].message
    assert server.asked == ["/manifest"]
