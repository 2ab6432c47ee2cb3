"""Text of others on one line of ours."""

import pytest

from davylamp.schema.text import one_line, printable, shortened


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("plain", "plain"),
        ("  two\n\nlines\t", "two lines"),
        ("\x1b[31mred\x00\u202e", "[31mred"),
        ("Ünïcode", "Ünïcode"),
        ("0123456789", "0123456789"),
        ("0123456789+", "012345678…"),
    ],
)
def test_whatever_was_in_a_text_becomes_one_printable_line_within_its_bound(text, line):
    assert one_line(text, limit=10) == line


def test_blanks_count_once_before_the_text_is_cut():
    assert one_line("a" + " " * 100 + "b", limit=3) == "a b"


def test_what_does_not_print_can_be_marked_instead():
    assert printable("500\n\x1b[31m", instead="?") == "500??[31m"


def test_a_cut_text_is_as_long_as_it_may_be_and_says_that_it_was_cut():
    assert shortened("x" * 40, limit=40) == "x" * 40
    assert shortened("x" * 41, limit=40) == "x" * 39 + "…"
