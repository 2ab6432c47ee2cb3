"""Each check passes the model that the spec names, and says by name and number what is wrong else."""

import math

import pytest
from tests.support.contract import ALL, EXPECTED, Server, heard, inspected, manifest_of

from davylamp.api.spec import CheckName
from davylamp.checks import Declined, Expected, Silent, expected_of, judged, questions
from davylamp.checks.recorded import MOST_GOLDEN
from davylamp.checks.results import LONGEST_MESSAGE

SHIFT = 0.001


def shifted(document):
    document["predictions"][0] += SHIFT
    return document


def contribution_shifted(document):
    document["explanations"][0]["contributions"]["age"] += 0.5
    return document


def verdicts(server, **options):
    return {name: r.verdict.value for name, r in inspected(server, **options).items()}


def failing(server, **options):
    """The one check that does not pass."""
    found = [r for r in inspected(server, **options).values() if r.verdict != "Pass"]
    assert len(found) == 1, found
    return found[0]


def test_the_model_that_the_spec_names_passes_and_says_what_was_compared():
    found = inspected(Server())
    assert verdicts(Server()) == dict.fromkeys(ALL, "Pass")
    assert "tag v1-3f2c1ab, snapshot 2026-11-01" in found["Manifest"].message
    assert found["Golden"].message.startswith("2 golden requests give the recorded predictions")
    assert found["Explain"].message == "2 explanations add up and are those recorded, to 1e-06"
    assert "gap 2.5, at most 12" in found["Bias"].message


def test_only_what_is_asked_for_is_checked_and_asked():
    server = Server()
    assert list(inspected(server, [CheckName.GOLDEN])) == ["Golden"]
    assert server.asked == ["/manifest", "/predict", "/predict"]
    assert questions([CheckName.BIAS], server.get_manifest()).predict is False
    assert inspected(Server(), ()) == {}


# --- Manifest -----------------------------------------------------------------------------------


def test_every_difference_to_the_spec_is_named():
    server = Server(manifest_of(tag="v9", snapshot="2026-11-08", seed=7))
    found = inspected(server)["Manifest"]
    assert (found.verdict, found.reason) == ("Fail", "ManifestDiffers")
    assert found.message == (
        "image.tag: the image says v9, the spec says v1-3f2c1ab; "
        "featureSnapshot.id: the image says 2026-11-08, the spec says 2026-11-01; "
        "seed: the image says 7, the spec says 42"
    )


def test_the_content_of_the_snapshot_counts_where_the_spec_names_it():
    other = Expected(EXPECTED.tag, EXPECTED.snapshot, EXPECTED.seed, sha256="0" * 64)
    assert "featureSnapshot.sha256" in failing(Server(), expected=other).message
    unsaid = Expected(EXPECTED.tag, EXPECTED.snapshot, EXPECTED.seed)
    assert verdicts(Server(), expected=unsaid)["Manifest"] == "Pass"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.pop("model"), "model is missing"),
        (lambda m: m["image"].pop("tag"), "image.tag is missing"),
        (lambda m: m.update(image="v1"), "image is no object"),
        (lambda m: m.pop("featureSnapshot"), "featureSnapshot is missing"),
        (lambda m: m.pop("seed"), "seed is missing"),
    ],
)
def test_a_manifest_without_a_claim_names_it(change, words):
    found = failing(Server().claim(change))
    assert (found.name, found.reason) == ("Manifest", "ManifestInvalid")
    assert words in found.message


def test_true_is_no_seed():
    one = Expected(EXPECTED.tag, EXPECTED.snapshot, 1, EXPECTED.sha256)
    assert "seed" in failing(Server(manifest_of(seed=True)), expected=one).message


@pytest.mark.parametrize("said", ["davylamp.dev/manifest/v2", None, 3, ["x"]])
def test_another_format_fails_all_checks_with_one_sentence(said):
    found = inspected(Server().claim(lambda m: m.update(format=said)))
    assert {r.reason for r in found.values()} == {"ManifestInvalid"}
    assert len({r.message for r in found.values()}) == 1
    assert "docs/model-server.md" in found["Golden"].message


def test_no_manifest_says_what_to_do():
    missing = Declined("GET /manifest answered 404", 404)
    server = Server().answer("/manifest", lambda _: missing)
    found = inspected(server)
    assert {(r.verdict, r.reason) for r in found.values()} == {("Fail", "NoManifest")}
    assert "see docs/model-server.md, or set spec.rollout.checks: []" in found["Manifest"].message
    assert server.asked == ["/manifest"]


# --- Golden -------------------------------------------------------------------------------------


def test_a_difference_in_the_third_decimal_is_told_with_both_numbers():
    found = failing(Server().answer("/predict", shifted))
    assert (found.name, found.reason) == ("Golden", "PredictionsDiffer")
    assert found.message == (
        "golden request 2, prediction 1: served 97.501, recorded 97.5; a relative difference of "
        "1e-05, tolerated is 1e-06"
    )


def test_the_manifest_says_what_is_tolerated():
    server = Server().answer("/predict", shifted).claim(lambda m: m.update(tolerance=1e-4))
    assert verdicts(server)["Golden"] == "Pass"


@pytest.mark.parametrize("said", [0.01, -1, "much", True, math.inf, None])
def test_a_tolerance_that_tolerates_anything_is_refused(said):
    found = inspected(Server().claim(lambda m: m.update(tolerance=said)))["Golden"]
    assert (found.verdict, found.reason) == ("Fail", "ManifestInvalid")
    assert "tolerance" in found.message


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "predictions is missing"),
        ([], "no object"),
        ({"predictions": []}, "empty"),
        ({"predictions": [1.0, 2.0]}, "2 numbers, 1 are recorded"),
        ({"predictions": ["152.25"]}, "predictions[0] is no number"),
        ({"predictions": [math.nan]}, "no finite number"),
        ({"predictions": [10**400]}, "no finite number"),
        ({"predictions": [True]}, "no number"),
    ],
)
def test_an_odd_answer_is_named(said, words):
    found = failing(Server().answer("/predict", lambda _: said))
    assert (found.name, found.reason) == ("Golden", "BadAnswer")
    assert "/predict, golden request 1" in found.message
    assert words in found.message


def test_predictions_around_zero_are_compared_by_their_scale():
    manifest = manifest_of()
    manifest["golden"][1]["predictions"] = [0.0]
    server = Server(manifest)
    del server.manifest["bias"]
    noise = {"predictions": [1e-9]}
    server.answer("/predict", lambda d: noise if d["predictions"] == [0.0] else d)
    assert verdicts(server)["Golden"] == "Pass"
    noise["predictions"] = [1e-3]
    assert verdicts(server)["Golden"] == "Fail"


def test_a_server_that_refuses_its_golden_request_fails():
    declined = Declined("POST /predict answered 500", 500)
    found = failing(Server().answer("/predict", lambda _: declined))
    assert (found.reason, found.message) == ("BadAnswer", "POST /predict answered 500")


@pytest.mark.parametrize("golden", [[], None, {}, [{}], [{"request": []}], "x"])
def test_golden_requests_that_are_none(golden):
    found = inspected(Server().claim(lambda m: m.update(golden=golden)))
    for check in ("Golden", "Explain"):
        assert (found[check].verdict, found[check].reason) == ("Fail", "ManifestInvalid")
        assert "golden" in found[check].message


def test_no_more_than_a_hundred_golden_requests_are_asked():
    server = Server()
    server.claim(lambda m: m.update(golden=m["golden"] * 80))
    assert len(heard(server).predictions) == MOST_GOLDEN
    assert set(verdicts(server).values()) == {"Pass"}


# --- Explain ------------------------------------------------------------------------------------


def test_explanations_that_do_not_add_up():
    found = failing(Server().answer("/explain", contribution_shifted))
    assert (found.name, found.reason) == ("Explain", "ExplanationsDoNotAddUp")
    assert found.message == (
        "/explain, golden request 1, explanation 1: baseline and contributions add up to 152.75, "
        "the prediction is 152.25: 0.5 apart, tolerated is 0.00015"
    )


def moved(document):
    """Adds up, but to other contributions."""
    contributions = document["explanations"][0]["contributions"]
    contributions["bmi"] += 1
    contributions["age"] -= 1
    return document


def renamed(document):
    contributions = document["explanations"][0]["contributions"]
    contributions["years"] = contributions.pop("age")
    return document


def of_another_prediction(document):
    said = document["explanations"][0]
    said["prediction"] += 1
    said["contributions"]["bmi"] += 1
    return document


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (moved, "contributions.bmi is 2.75, recorded 1.75"),
        (renamed, "contributions.age is recorded, but not served"),
        (of_another_prediction, "prediction is 153.25, recorded 152.25"),
    ],
)
def test_explanations_that_add_up_but_are_others(change, words):
    found = failing(Server().answer("/explain", change))
    assert (found.name, found.reason) == ("Explain", "ExplanationsDiffer")
    assert words in found.message


def test_without_recorded_explanations_nothing_can_be_compared():
    server = Server().claim(lambda m: m["golden"][1].pop("explanations"))
    found = failing(server)
    assert (found.name, found.reason) == ("Explain", "NotRecorded")
    assert "golden[1].explanations is missing" in found.message
    assert "/explain" not in server.asked


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"explanations": 3},
        {"explanations": [{}]},
        {"explanations": [{"prediction": 1, "baseline": 2, "contributions": {}}]},
        {"explanations": [{"prediction": 1, "baseline": 2, "contributions": {"a": None}}]},
        {"explanations": [{"prediction": 1, "baseline": 1, "contributions": {"a": 0}}] * 2},
    ],
)
def test_odd_explanations_are_named(said):
    found = failing(Server().answer("/explain", lambda _: said))
    assert (found.name, found.reason) == ("Explain", "BadAnswer")
    assert found.message.startswith("/explain, golden request 1")


# --- Bias ---------------------------------------------------------------------------------------


def groups(document):
    return document["bias"][0]["groups"]


def widened(document):
    groups(document)["1"]["value"] = 30
    document["bias"][0]["gap"] = 14.0


def test_a_group_gap_above_its_bound_is_told_with_groups_and_values():
    found = failing(Server().claim(widened))
    assert (found.name, found.reason) == ("Bias", "GroupGapTooLarge")
    assert found.message == (
        "meanAbsoluteError by sex on holdout is 30 for 1 (40 rows) and 44 for 2 (48 rows): "
        "gap 14, above 12"
    )


def test_rows_and_part_need_not_be_recorded():
    server = Server().claim(widened)
    server.claim(lambda m: [m["bias"][0].pop("part"), *(g.pop("rows") for g in groups(m).values())])
    message = failing(server).message
    assert message == "meanAbsoluteError by sex is 30 for 1 and 44 for 2: gap 14, above 12"


def test_a_gap_that_its_groups_do_not_give_is_no_record():
    found = failing(Server().claim(lambda m: groups(m)["1"].update(value=30)))
    assert (found.name, found.reason) == ("Bias", "ManifestInvalid")
    assert "gap 14, but the manifest says 2.5" in found.message


@pytest.mark.parametrize("said", [None, [], {}])
def test_without_recorded_groups_there_is_nothing_to_compare(said):
    found = failing(Server().claim(lambda m: m.update(bias=said)))
    assert (found.name, found.reason) == ("Bias", "NotRecorded")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: groups(m).pop("2"), "needs two groups"),
        (lambda m: groups(m)["2"].pop("value"), "bias[0].groups.2.value is missing"),
        (lambda m: groups(m)["2"].update(rows=0), "bias[0].groups.2.rows is no number of rows"),
        (lambda m: m["bias"][0].update(max=-1), "bias[0].max is below 0"),
        (lambda m: m["bias"][0].pop("metric"), "bias[0].metric is missing"),
        (lambda m: m.update(bias={"sex": 1}), "bias is no list"),
    ],
)
def test_an_odd_record_of_groups_is_named(change, words):
    found = failing(Server().claim(change))
    assert (found.name, found.reason) == ("Bias", "ManifestInvalid")
    assert words in found.message


# --- nobody answers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "checks"),
    [("/manifest", set(ALL)), ("/predict", {"Golden"}), ("/explain", {"Explain"})],
)
def test_silence_is_neither_good_nor_bad(path, checks):
    silent = Silent(f"{path}: no connection")
    found = inspected(Server().answer(path, lambda _: silent))
    assert {name for name, r in found.items() if r.verdict == "Unknown"} == checks
    assert {found[check].message for check in checks} == {silent.problem}


def test_an_inspection_that_broke_off_is_not_judged_by_its_half():
    replies = heard(Server())
    half = type(replies)(replies.manifest, replies.predictions[:1], ())
    found = {r.name: r.verdict for r in judged(ALL, EXPECTED, half)}
    assert (found["Golden"], found["Explain"]) == ("Unknown", "Unknown")


def test_messages_stay_within_bounds():
    server = Server().claim(lambda m: m["image"].update(tag="x" * 10_000))
    server.claim(lambda m: m["bias"].extend(m["bias"] * 50))
    for result in inspected(server).values():
        assert len(result.message) <= LONGEST_MESSAGE


# --- what is expected ---------------------------------------------------------------------------


def test_expectations_come_from_the_recorded_intent():
    intent = {
        "image": {"repository": "registry.example/model", "tag": "v1"},
        "featureSnapshot": {"id": "2026-11-01"},
        "seed": 42,
    }
    assert expected_of(intent) == Expected("v1", "2026-11-01", 42)
    with pytest.raises(ValueError, match="names no tag"):
        expected_of({})
