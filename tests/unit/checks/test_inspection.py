"""An inspection asks what the checks need, and judges only what was answered."""

import pytest
from tests.support.contract import ALL, EXPECTED, Server, heard, inspected
from tests.unit.checks.outcomes import verdicts

from davylamp.api.spec import CheckName
from davylamp.checks import Silent, judged, questions
from davylamp.checks.results import LONGEST_MESSAGE


def test_the_model_that_the_spec_names_passes_with_what_was_compared():
    results = inspected(Server())
    assert verdicts(Server()) == dict.fromkeys(ALL, "Pass")
    assert "tag v1-3f2c1ab, snapshot 2026-11-01" in results["Manifest"].message
    assert results["Golden"].message.startswith("2 golden requests give the recorded predictions")
    assert (
        results["Explain"].message
        == "2 explanations add up and match the recorded ones to within 1e-06"
    )
    assert "gap 2.5, at most 12" in results["Bias"].message


def test_only_what_is_asked_for_is_checked_and_asked():
    server = Server()
    assert list(inspected(server, [CheckName.GOLDEN])) == ["Golden"]
    assert server.asked == ["/manifest", "/predict", "/predict"]
    assert questions([CheckName.BIAS], server.get_manifest()).predict is False
    assert inspected(Server(), ()) == {}


@pytest.mark.parametrize(
    ("path", "checks"),
    [("/manifest", set(ALL)), ("/predict", {"Golden"}), ("/explain", {"Explain"})],
)
def test_silence_is_unknown(path, checks):
    silent = Silent(f"{path}: no connection")
    results = inspected(Server().answer(path, lambda _: silent))
    assert {name for name, r in results.items() if r.verdict == "Unknown"} == checks
    assert {results[check].message for check in checks} == {silent.problem}


def test_an_interrupted_inspection_is_unknown():
    replies = heard(Server())
    half = type(replies)(replies.manifest, replies.predictions[:1], ())
    results = {r.name: r.verdict for r in judged(ALL, EXPECTED, half)}
    assert (results["Golden"], results["Explain"]) == ("Unknown", "Unknown")


def test_messages_stay_within_bounds():
    server = Server().claim(lambda m: m["image"].update(tag="x" * 10_000))
    server.claim(lambda m: m["bias"].extend(m["bias"] * 50))
    for result in inspected(server).values():
        assert len(result.message) <= LONGEST_MESSAGE
