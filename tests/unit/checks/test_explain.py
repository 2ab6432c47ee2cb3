"""Explanations add up and match the recorded ones, or the first fault is named."""

import pytest
from tests.support.contract import Server
from tests.unit.checks.outcomes import failing

from davylamp.schema.pseudonyms import pseudonym


def contribution_shifted(document):
    document["explanations"][0]["contributions"]["age"] += 0.5
    return document


def test_explanations_that_do_not_add_up():
    result = failing(Server().answer("/explain", contribution_shifted))
    assert (result.name, result.reason) == ("Explain", "ExplanationsDoNotAddUp")
    assert result.message == (
        "/explain, golden request 1, explanation 1: baseline and contributions add up to 152.75, "
        "the prediction is 152.25: difference 0.5, tolerance 0.00015"
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


def for_another_prediction(document):
    explanation = document["explanations"][0]
    explanation["prediction"] += 1
    explanation["contributions"]["bmi"] += 1
    return document


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (moved, f"contributions.{pseudonym('bmi')} is 2.75, recorded 1.75"),
        (renamed, f"contributions.{pseudonym('age')} is recorded but not served"),
        (for_another_prediction, "prediction is 153.25, recorded 152.25"),
    ],
)
def test_explanations_that_add_up_but_differ_from_the_recorded(change, words):
    result = failing(Server().answer("/explain", change))
    assert (result.name, result.reason) == ("Explain", "ExplanationsDiffer")
    assert words in result.message


def test_without_recorded_explanations_the_check_fails():
    server = Server().claim(lambda m: m["golden"][1].pop("explanations"))
    result = failing(server)
    assert (result.name, result.reason) == ("Explain", "NotRecorded")
    assert "golden[1].explanations is missing from the manifest" in result.message
    assert "/explain" not in server.asked


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"explanations": 3},
        {"explanations": [{}]},
        {"explanations": [{"prediction": 1, "baseline": 2, "contributions": {}}]},
        {"explanations": [{"prediction": 1, "baseline": 2, "contributions": {"a": None}}]},
        {"explanations": [{"prediction": 1, "baseline": 1, "contributions": {"a": 0}}] * 2},
    ],
)
def test_malformed_explanations_are_named(answer):
    result = failing(Server().answer("/explain", lambda _: answer))
    assert (result.name, result.reason) == ("Explain", "BadAnswer")
    assert result.message.startswith("/explain, golden request 1")
