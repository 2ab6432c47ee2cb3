"""Reports of the nightly job: the contract, and everything that does not keep it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davylamp.rollout.drift_reports import LONGEST_MESSAGE, JobEnd, result_of
from davylamp.schema.pseudonyms import pseudonym

AT = datetime(2026, 11, 2, 3, 17, tzinfo=UTC)
SAID = {
    "format": "davylamp.dev/drift/v1",
    "verdict": "Stable",
    "distance": 0.034,
    "limit": 0.1,
    "message": "480 rows are 0.034 from the baseline",
}


def ended(code: int | None, text: str, why: str = "") -> JobEnd:
    return JobEnd("risk-explanations-1", "4be2", AT, "models", exit_code=code, text=text, why=why)


def found(code: int | None, **changes: object) -> tuple[str, str, str | None, str | None]:
    result = result_of(ended(code, json.dumps(SAID | changes)))
    assert (result.job, result.revision, result.at) == ("risk-explanations-1", "4be2", AT)
    return result.verdict, result.message, result.distance, result.limit


def test_of_a_report_its_numbers_are_told():
    assert found(0) == ("Stable", "distance 0.034, limit 0.1", "0.034", "0.1")
    assert found(3, verdict="Drifted", distance=0.31)[::2] == ("Drifted", "0.31")
    assert found(0, verdict="Undecided", distance=None)[::2] == ("Undecided", None)
    assert found(0, distance=None, rows=480)[1] == "distance not measured, limit 0.1, 480 rows"


def test_the_feature_that_moved_most_is_told_by_its_pseudonym():
    largest = {"feature": "bmi", "baseline": 0.3, "recent": 0.12}
    most = f"most of all feature {pseudonym('bmi')}: 0.12 against 0.3 in training"
    assert found(0, largest=largest)[1] == f"distance 0.034, limit 0.1, {most}"


@pytest.mark.parametrize(
    "odd", [7, {}, {"feature": "bmi"}, {"feature": 7, "baseline": 0.1, "recent": 0.2}, [["x"]]]
)
def test_parts_of_a_report_that_are_none_are_left_out(odd):
    assert found(0, largest=odd, rows=odd if odd != 7 else "7")[1] == "distance 0.034, limit 0.1"


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(3, "Stable"), (3, "Undecided"), (0, "Drifted"), (0, "Fine"), (0, None), (0, ["Stable"])],
)
def test_an_exit_code_that_does_not_fit_the_verdict_is_a_failure(code, verdict):
    told = found(code, verdict=verdict)
    assert told[0] == "Failed"
    assert f"exit code {code} does not fit" in told[1]


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "[]", "[" * 4000, '{"format": "other/v1"}', '{"format": NaN}', "1" * 4096],
)
def test_anything_but_a_report_is_a_failure(text):
    for code in (0, 3):
        result = result_of(ended(code, text))
        assert result.verdict == "Failed"
        assert f"exit code {code} without a report" in result.message


@pytest.mark.parametrize("number", [-0.1, 1.5, "0.1", True, None, [], 10**4000])
def test_a_distance_that_is_none_is_left_out(number):
    assert found(0, distance=number)[2] is None


def test_a_broken_job_is_told_with_the_command_that_shows_its_log():
    broken = result_of(ended(1, "Traceback\n  File x\nValueError: no column bmi"))
    shows = "see `kubectl logs job/risk-explanations-1 -n models`"
    assert (broken.verdict, broken.message) == ("Failed", f"exit code 1; {shows}")
    killed = result_of(ended(137, "", "OOMKilled")).message
    assert killed == f"exit code 137: OOMKilled; {shows}"
    late = result_of(ended(None, "", "DeadlineExceeded: Job was active longer"))
    assert late.message == "no exit code: DeadlineExceeded: Job was active longer"


def test_what_a_container_says_is_never_repeated():
    for code, verdict in ((0, "Stable"), (3, "Drifted"), (0, "canary"), (1, "Stable")):
        report = SAID | {"verdict": verdict, "message": "canary", "limit": "canary"}
        assert "canary" not in str(result_of(ended(code, json.dumps(report))))
    assert "canary" not in str(result_of(ended(1, "canary")))


@given(
    code=st.none() | st.integers(-1, 255),
    text=st.text(max_size=4096)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*SAID, "x"]), inner),
    ).map(lambda value: json.dumps(SAID | value if isinstance(value, dict) else value)),
)
def test_whatever_a_container_says_there_is_a_result(code, text):
    result = result_of(ended(code, text, "why"))
    assert result.verdict in {"Stable", "Drifted", "Undecided", "Failed"}
    assert 0 < len(result.message) <= LONGEST_MESSAGE + 100
    assert (result.verdict == "Drifted") <= (code == 3)
    for number in (result.distance, result.limit):
        assert number is None or 0 <= float(number) <= 1
