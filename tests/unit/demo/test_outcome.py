"""The demo's numbers and promises come from the answers that clients got."""

from dataclasses import replace

from demo.outcome import Report, next_line, promises, rows
from lab.models import Event
from lab.records import Record

DECIDED = 1795460400.0


def answer(time, tag, status=200):
    return Record(time, 5.0, status, "rev", tag, "")


KEPT = Report(
    bad_tag="v2",
    good_tag="v3",
    records=(
        answer(DECIDED - 20, "v1"),
        answer(DECIDED - 10, "v2", 500),
        answer(DECIDED - 5, "v2"),
        answer(DECIDED + 0.1, "v2", 500),
        answer(DECIDED + 40, "v3"),
    ),
    rejection={"at": "2026-11-23T19:00:00.000000Z", "reason": "GateFailed", "message": "worse"},
    asked_at=DECIDED + 10,
    promoted_at=DECIDED + 50,
    events=(Event(DECIDED + 50, "Promoted", "v3 serves all traffic after 40s", "Normal"),),
)


def broken(report):
    return [promise.text for promise in promises(report) if not promise.kept]


def with_answers(*more):
    return replace(KEPT, records=(*KEPT.records, *more))


def test_a_good_run_keeps_every_promise():
    assert broken(KEPT) == []


def test_a_lost_request_breaks_a_promise():
    assert broken(with_answers(answer(DECIDED, "", 0))) == ["no request was lost"]


def test_an_error_of_a_good_model_breaks_a_promise():
    assert broken(with_answers(answer(DECIDED, "v1", 503))) == [
        "every error came from the bad model"
    ]


def test_an_answer_of_the_bad_model_long_after_breaks_a_promise():
    assert broken(with_answers(answer(DECIDED + 30, "v2"))) == ["v2 answered no request after that"]


def test_a_good_model_that_never_answers_breaks_a_promise():
    silent = replace(KEPT, records=KEPT.records[:-1])
    assert broken(silent) == ["v3 was promoted and serves"]


def test_the_table_counts_from_the_first_bad_answer_to_the_last():
    values = dict(rows(KEPT))
    assert values["rollback, first bad answer to last"] == "10.1 s"
    assert values["of that, decision to last answer"] == "0.10 s"
    assert values["bad answers served"] == "2 of 5 requests"
    assert values["requests lost"] == "0"
    assert values["v2 rolled back because"] == "GateFailed: worse"
    assert values["v3 promoted in"] == "40 s"
    assert values["v3 because"] == "Promoted: v3 serves all traffic after 40s"


def test_the_next_command_names_the_model_in_full():
    assert "-n models describe modeldeployment.davylamp.dev/risk" in next_line("risk", "models")
