"""Questions over what requests were answered."""

import pytest

from lab import records
from lab.records import Record


def record(time, status=200, tag="v1", error=""):
    return Record(time, 5.0, status, f"rev-{tag}", tag, error)


RUN = (
    record(1.0),
    record(1.5, 500, "v2"),
    record(2.0, 200, "v2"),
    record(2.5, 0, "", "ConnectionRefusedError: refused"),
    record(3.5, 500, "v2"),
    record(4.0, 200, "v2"),
    record(5.0, 503),
)


def test_a_line_of_the_generator_is_a_record():
    line = "1795459019.559,6.67,500,9a01deadbe,v2-0115cfb,ModelError: not a number, sorry\n"
    assert records.parse(line) == Record(
        1795459019.559,
        6.67,
        500,
        "9a01deadbe",
        "v2-0115cfb",
        "ModelError: not a number, sorry",
    )


def test_no_answer_has_neither_revision_nor_tag():
    parsed = records.parse("1.0,5000.00,0,,,no answer within 5 s")
    assert parsed == Record(1.0, 5000.0, 0, "", "", "no answer within 5 s")


@pytest.mark.parametrize(
    "line", ["", "\n", "traffic: 3 requests (200: 3)", "a,b,c,d,e,f", "1.0,2.0,200"]
)
def test_other_lines_are_none(line):
    assert records.parse(line) is None


def test_failures_bad_and_lost_are_three_things():
    assert [r.time for r in records.failures(RUN)] == [1.5, 2.5, 3.5, 5.0]
    assert [r.time for r in records.bad(RUN)] == [1.5, 3.5, 5.0]
    assert [r.time for r in records.lost(RUN)] == [2.5]


def test_the_story_of_a_tag():
    assert records.first_answer(RUN, "v2") == RUN[1]
    assert records.first_bad(RUN, "v2") == RUN[1]
    assert records.last_bad(RUN, "v2") == RUN[4]
    assert records.last_answer(RUN, "v2") == RUN[5]
    assert records.bad_seconds(RUN, "v2") == 2.0


def test_order_of_arrival_does_not_matter():
    assert records.bad_seconds(tuple(reversed(RUN)), "v2") == 2.0


def test_a_tag_without_errors_has_no_bad_seconds():
    assert records.bad_seconds(RUN[:1], "v1") is None
    assert records.last_answer(RUN, "v9") is None


def test_rates_are_per_second_by_tag_and_status():
    window = records.between(RUN, 1.5, 3.5)
    assert records.rates(window, seconds=2) == {("", 0): 0.5, ("v2", 200): 0.5, ("v2", 500): 0.5}


def test_gaps_in_all_answers_are_the_machines():
    answers = [record(time) for time in (10.0, 10.1, 12.35, 12.4, 13.0)]
    assert records.stalled(answers, 10.0, 13.0) == pytest.approx(2.0 + 0.35)
    assert records.stalled(answers, 10.0, 10.2) == 0
    assert records.stalled([], 10.0, 11.0) == pytest.approx(0.75)


def test_requests_count_from_the_first_answer_of_a_model():
    nobody = Record(1.0, 5.0, 0, "", "", "TimeoutError: connect")
    stranger = Record(1.1, 2.0, 404, "", "", "")
    first, later = record(1.2), record(1.3)
    lost = Record(1.4, 5.0, 0, "", "", "ConnectionResetError: reset")
    assert records.once_reachable([nobody, stranger, first, lost, later]) == [first, lost, later]
    assert records.once_reachable([nobody, stranger]) == []
