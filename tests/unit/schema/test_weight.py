"""What a JSON text weighs is known before it is parsed, and whatever it holds it is read or refused."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davylamp.schema.json import Json
from davylamp.schema.weight import Budget, UnreadableJsonError, overweight, read_json

BUDGET = Budget(size=4_000_000, depth=64, elements=50_000)
SIZE = 3_000_000
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def depth(value: Json) -> int:
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((depth(item) for item in inner), default=0)


@given(VALUES, st.sampled_from(["ascii", "utf-8"]), st.sampled_from([None, 1]))
def test_what_is_within_the_budget_is_read_as_it_is(
    value: Json, encoding: str, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=encoding == "ascii", indent=indent).encode()
    assert read_json(text, BUDGET) == value


@given(VALUES)
def test_depth_is_counted_exactly(value: Json) -> None:
    text, levels = json.dumps(value).encode(), depth(value)
    assert overweight(text, Budget(len(text), levels, 1000)) is None
    if levels:
        beyond = overweight(text, Budget(len(text), levels - 1, 1000))
        assert beyond == f"is nested deeper than {levels - 1} levels"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a":' * 100 + b"1" + b"}" * 100, "is nested deeper than 64 levels"),
        (b"[" * 100 + b"]" * 100, "is nested deeper than 64 levels"),
        (b"[" * 40_000, "is no whole JSON"),
        (b'"\\\\' + b"[" * 40_000, "is no JSON"),
        (b"[" + b"{}," * 60_000 + b"{}]", "has more than 50,000 elements"),
        (b"[" + b"1," * 60_000 + b"1]", "has more than 50,000 elements"),
        (b'"' * SIZE, "has more than 50,000 elements"),
        (b"x" * 5_000_000, "has more than 4,000,000 bytes"),
        (b"", "is no JSON"),
        (b'{"a":1', "is no whole JSON"),
        (b'{"a":1}}', "is no whole JSON"),
        (b"[" + b"9" * 5000 + b"]", "has an integer of more than 64 digits"),
        (b"[NaN]", "has NaN, which is no JSON"),
        (b"[-Infinity]", "has -Infinity, which is no JSON"),
        (b"[1e999]", "has a number that is not finite"),
        (b'["\xff"]', "is not encoded as UTF-8"),
        (b'["\\ud800"]', "is not encoded as UTF-8"),
        ('{"a":1}'.encode("utf-16"), "is no"),
        (b'\xef\xbb\xbf{"a":1}', "is no JSON"),
        (b'["\x00"]', "is no JSON"),
    ],
)
def test_what_is_not_read_says_why(text: bytes, why: str) -> None:
    with pytest.raises(UnreadableJsonError, match=why):
        read_json(text, BUDGET)


def test_what_only_looks_dangerous_is_read() -> None:
    assert read_json(b'["\\ud83d\\ude00", "\\u0000"]', BUDGET) == ["\U0001f600", "\0"]
    assert read_json(b'{"a":1,"a":[]}', BUDGET) == {"a": []}
    inside = "[{" * 30_000 + '\\"' + "\\"
    assert read_json(json.dumps([inside]).encode(), BUDGET) == [inside]


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"{}," * (SIZE // 3) + b"{}]",
        b"[" * (SIZE // 2) + b"]" * (SIZE // 2),
        b"[" * 25_000 + b"]" * 25_000 + b" " * SIZE,
        b'{"a":' * (SIZE // 6) + b"1" + b"}" * (SIZE // 6),
        b'"' * SIZE,
        b'["' + b"\\" * (SIZE - 4) + b'"]',
        b'["' + b'\\"' * (SIZE // 2) + b'"]',
        b"," * SIZE,
    ],
    ids=range(8),
)
def test_the_worst_texts_are_weighed_in_time(text: bytes) -> None:
    def seconds() -> float:
        started = time.thread_time()
        overweight(text, BUDGET)
        return time.thread_time() - started

    assert min(seconds() for _ in range(3)) < 0.05
