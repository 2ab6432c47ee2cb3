"""One reader for all files of records: each line a record, by the header of the file."""

import pytest

from davylamp.gates.recording.csv import records

READERS = {("a", "b"): lambda a, b: (int(a), b), ("c",): lambda c: (int(c), "")}


def test_each_line_is_a_record_as_the_header_says():
    assert list(records('a,b\n1,"x,y"\n2,"p\nq"\n', READERS)) == [(1, "x,y"), (2, "p\nq")]
    assert list(records("c\n7\n", READERS)) == [(7, "")]


def test_a_byte_order_mark_and_empty_lines_are_passed_over():
    assert list(records("\ufeffa,b\r\n\r\n1,x\r\n\r\n", READERS)) == [(1, "x")]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "^the first line has to be a,b or c$"),
        ("b,a\n1,x\n", "^the first line has to be a,b or c$"),
        ("a,b\n1,x\n\nmany,x\n", "^line 4: many,x: invalid literal"),
        ("a,b\n1\n", "^line 2: 1: .*missing 1 required"),
    ],
)
def test_what_is_wrong_is_refused_with_the_line(text, wrong):
    with pytest.raises(ValueError, match=wrong):
        list(records(text, READERS))
