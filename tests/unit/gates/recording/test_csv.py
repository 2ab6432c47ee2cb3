"""One reader for all files of records: each line a record, by the header of the file."""

import pytest

from davylamp.gates.recording.csv import CsvError, numbered_records, records

READERS = {("a", "b"): lambda a, b: (int(a), b), ("c",): lambda c: (int(c), "")}


def test_each_line_is_a_record_as_the_header_says():
    assert list(records('a,b\n1,"x,y"\n2,"p\nq"\n', READERS)) == [(1, "x,y"), (2, "p\nq")]
    assert list(records("c\n7\n", READERS)) == [(7, "")]


def test_a_byte_order_mark_and_empty_lines_are_passed_over():
    assert list(records("\ufeffa,b\r\n\r\n1,x\r\n\r\n", READERS)) == [(1, "x")]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "^line 1: the file is empty; the header must be a,b or c$"),
        ("b,a\n1,x\n", "^line 1: the header must be a,b or c, not b,a$"),
        ("a,b\n1,x\n\nmany,x\n", "^line 4: many,x: invalid literal"),
        ("a,b\n1\n", "^line 2: 1: expected 2 fields, got 1$"),
        ('a,b\n1,x\n2,"y\n3,z\n', "^line 3: not valid CSV, perhaps a quote is not closed: "),
        ('a,b\n1,"x"y\n', "^line 2: not valid CSV"),
        ('a,b\n1,x\n2,"' + "y" * 200_000, "^line 3: not valid CSV"),
    ],
    ids=["empty", "other header", "no number", "a field less", "open quote", "stray", "long quote"],
)
def test_what_is_wrong_is_refused_with_the_line(text, wrong):
    with pytest.raises(CsvError, match=wrong):
        list(records(text, READERS))


def test_records_may_come_with_the_lines_they_end_in():
    numbered = numbered_records('a,b\n1,x\n\n2,"p\nq"\n3,r\n', READERS)
    assert list(numbered) == [(2, (1, "x")), (5, (2, "p\nq")), (6, (3, "r"))]
