"""Whatever text comes from outside, it becomes one bounded printable line."""

from hypothesis import given
from hypothesis import strategies as st

from davylamp.schema.text import one_line


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_every_text_becomes_one_bounded_printable_line(text, limit):
    line = one_line(text, limit=limit)
    assert len(line) <= limit
    assert line.isprintable()
    assert one_line(line, limit=limit) == line.strip()
