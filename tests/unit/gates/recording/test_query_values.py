"""Values of own queries, kept as they were taken and read back as the same."""

import pytest

from davylamp.gates import QueryAnswers
from davylamp.gates.recording.query_values import MOST_VALUES, Values, extended, read_csv, to_csv
from davylamp.gates.values import Value


def told(*values, stable=(), until=1e9):
    return QueryAnswers(until, dict(values), dict(stable))


def test_each_value_is_taken_once_and_none_above_the_watermark():
    found = extended(Values(), told((10.0, 1.0), (20.0, 2.0), (30.0, 3.0), until=20.0))
    assert found == Values((Value(10.0, 1.0), Value(20.0, 2.0)), 20.0)
    found = extended(found, told((20.0, 9.0), (30.0, 3.0), stable=[(30.0, 4.0)], until=45.0))
    assert found.kept[2:] == (Value(30.0, 3.0, 4.0),)
    assert found.watermark == 45.0


def test_what_comes_late_is_passed_over_as_the_gate_does():
    found = extended(Values(), told(until=60.0))
    assert extended(found, told((50.0, 1.0), until=70.0)).kept == ()


def test_of_too_many_the_oldest_are_let_go():
    found = extended(Values(), told(*((float(at), 0.5) for at in range(MOST_VALUES + 3))))
    assert (len(found.kept), found.kept[0].at) == (MOST_VALUES, 3.0)
    assert found.is_full
    assert not Values(found.kept[1:]).is_full


def test_a_file_reads_back_as_the_same():
    kept = {
        "own": extended(Values(), told((15.0, 0.1), (30.5, 1 / 3), stable=[(30.5, 1e-9)])),
        "p99, slow": extended(Values(), told((15.0, 2e300))),
    }
    text = to_csv(kept)
    assert text.splitlines()[:3] == [
        "time,gate,candidate,stable",
        "15,own,0.1,",
        '15,"p99, slow",2e+300,',
    ]
    assert read_csv(text) == {
        "own": told((15.0, 0.1), (30.5, 1 / 3), stable=[(30.5, 1e-9)], until=30.5),
        "p99, slow": told((15.0, 2e300), until=15.0),
    }


def test_a_file_that_passed_through_an_editor_is_read():
    text = "\ufefftime,gate,candidate,stable\n\n15,own,0.1,\n\n"
    assert read_csv(text) == {"own": told((15.0, 0.1), until=15.0)}


def test_nothing_makes_no_file():
    assert not to_csv({"own": Values(watermark=9.0)})


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "the header must be time,gate,candidate,stable"),
        ("time,gate,candidate,stable\n1,own,much,\n", "line 2: 1,own,much,: could not convert"),
        ("time,gate,candidate,stable\n1,own\n", "line 2: 1,own: expected 4 fields, got 2"),
    ],
)
def test_another_file_is_refused_with_the_line(text, wrong):
    with pytest.raises(ValueError, match=wrong):
        read_csv(text)
