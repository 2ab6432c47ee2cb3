"""Documents of strangers are read in a time that does not depend on what is in them."""

import time

import pytest

from davylamp.adapters.registries.documents import DEEPEST, read_document
from davylamp.adapters.registries.signatures import LARGEST_LIST

LONGEST = 0.25
"""Seconds that the event loop may be kept; a loaded machine included."""


@pytest.mark.parametrize(
    "pattern",
    [b"[]", b"[", b"{}", b'"\\"', b'"', b"\\", b"[[],", b'{"a":', b'[{"a":[]},', b"\xff", b"1,"],
)
def test_the_worst_texts_are_read_at_once(pattern):
    content = b'{"a":[' + pattern * (LARGEST_LIST // len(pattern))
    for text in (content[:LARGEST_LIST], content[: LARGEST_LIST - 2] + b"]}"):
        best = min(_seconds(text) for _ in range(3))
        assert best < LONGEST


def _seconds(text):
    began = time.process_time()
    read_document(text)
    return time.process_time() - began


def test_brackets_in_texts_do_not_count():
    assert read_document(b'{"a": "[[[[[[[[[[[[[[[[[[[[[[{{{{{{{{{\\"[[["}')
    assert read_document(b'{"a": "\\\\"}') == {"a": "\\"}


def test_depth_is_bounded():
    def nested(levels):
        return b'{"a":' * levels + b"1" + b"}" * levels

    assert read_document(nested(DEEPEST))
    assert read_document(nested(DEEPEST + 1)) == {}
    assert read_document(b"[1]") == {}
