"""Whatever a stranger sends, it becomes one printable line within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davylamp.schema.text import marked, printable, shortened


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("plain words", "plain words"),
        ("  two\n lines\t", "two lines"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("zero\u200bwidth and\u202eturned", "zero width and turned"),
        ("\x00\x07\r\n", ""),
        ("naïve 模型 🙂", "naïve 模型 🙂"),
    ],
)
def test_control_characters_separate_words(raw, line):
    assert printable(raw, 80) == line


def test_a_long_text_ends_with_an_ellipsis():
    assert printable("x" * 81, 80) == "x" * 79 + "…"
    assert printable("x" * 80, 80) == "x" * 80
    assert shortened("one\ntwo", 4) == "one…"


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_every_text_becomes_one_bounded_printable_line(raw, limit):
    line = printable(raw, limit)
    assert len(line) <= limit
    assert line.isprintable()
    assert printable(line, limit) == line.strip()


def test_blanks_count_once_before_the_text_is_cut():
    assert printable("a" + " " * 100 + "b", 3) == "a b"


def test_what_does_not_print_can_be_marked_instead():
    assert marked("500\n\x1b[31m", "?") == "500??[31m"
