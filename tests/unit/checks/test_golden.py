"""The server repeats the recorded predictions, or the worst difference is named with both numbers."""

import math

import pytest
from tests.support.contract import Server, heard, inspected, manifest_of
from tests.unit.checks.outcomes import failing, verdicts

from davylamp.checks import Declined
from davylamp.checks.recorded import MOST_GOLDEN

SHIFT = 0.001


def shifted(document):
    document["predictions"][0] += SHIFT
    return document


def test_a_difference_in_the_third_decimal_is_named_with_both_numbers():
    result = failing(Server().answer("/predict", shifted))
    assert (result.name, result.reason) == ("Golden", "PredictionsDiffer")
    assert result.message == (
        "golden request 2, prediction 1: served 97.501, recorded 97.5; relative difference "
        "1e-05, tolerance 1e-06"
    )


def test_the_manifest_says_what_is_tolerated():
    server = Server().answer("/predict", shifted).claim(lambda m: m.update(tolerance=1e-4))
    assert verdicts(server)["Golden"] == "Pass"


@pytest.mark.parametrize("value", [0.01, -1, "much", True, math.inf, None])
def test_a_tolerance_that_tolerates_anything_is_refused(value):
    result = inspected(Server().claim(lambda m: m.update(tolerance=value)))["Golden"]
    assert (result.verdict, result.reason) == ("Fail", "ManifestInvalid")
    assert "tolerance" in result.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "predictions is missing"),
        ([], "not an object"),
        ({"predictions": []}, "empty"),
        ({"predictions": [1.0, 2.0]}, "2 numbers, but 1 are recorded"),
        ({"predictions": ["152.25"]}, "predictions[0] is not a number"),
        ({"predictions": [math.nan]}, "not a finite number"),
        ({"predictions": [10**400]}, "not a finite number"),
        ({"predictions": [True]}, "not a number"),
    ],
)
def test_a_malformed_answer_is_named(answer, words):
    result = failing(Server().answer("/predict", lambda _: answer))
    assert (result.name, result.reason) == ("Golden", "BadAnswer")
    assert "/predict, golden request 1" in result.message
    assert words in result.message


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
    result = failing(Server().answer("/predict", lambda _: declined))
    assert (result.reason, result.message) == ("BadAnswer", "POST /predict answered 500")


@pytest.mark.parametrize("golden", [[], None, {}, [{}], [{"request": []}], "x"])
def test_malformed_golden_requests_fail(golden):
    results = inspected(Server().claim(lambda m: m.update(golden=golden)))
    for check in ("Golden", "Explain"):
        assert (results[check].verdict, results[check].reason) == ("Fail", "ManifestInvalid")
        assert "golden" in results[check].message


def test_at_most_a_hundred_golden_requests_are_sent():
    server = Server()
    server.claim(lambda m: m.update(golden=m["golden"] * 80))
    assert len(heard(server).predictions) == MOST_GOLDEN
    assert set(verdicts(server).values()) == {"Pass"}
