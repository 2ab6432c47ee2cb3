"""Parts of a text are found as a parser would find them, without parsing the rest."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davylamp.schema.json import Json
from davylamp.schema.outlines import ListSplitter, last_member, members

MOST = 2_000_000
VALUES = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(['"', "\\", '","status":', "]}"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(
    st.sampled_from(["a", "metadata", "status", "items", 'x"y', "kind"]), VALUES
)
ITEMS = st.lists(
    VALUES.map(lambda value: {"metadata": {"name": "x"}, "spec": value})
    | st.dictionaries(st.text(max_size=3), st.text(max_size=3)),
    max_size=5,
)


def written(value: Json, indent: int | None) -> bytes:
    separators = (",", ":") if indent is None else None
    return json.dumps(value, indent=indent, separators=separators).encode()


@given(OBJECTS, st.sampled_from([None, 1]))
def test_members_are_those_of_the_object_itself(item: dict[str, Json], indent: int | None) -> None:
    known = members(written(item, indent), ("metadata", "status"))
    parsed = {name: json.loads(text) for name, text in known.whole.items()}
    assert parsed == {k: v for k, v in item.items() if k in {"metadata", "status"}}
    assert not known.rest


@given(OBJECTS, st.sampled_from([None, 1]))
def test_the_last_member_is_that_of_the_object_itself(
    item: dict[str, Json], indent: int | None
) -> None:
    value = last_member(written(item, indent), "status")
    if item and list(item)[-1] == "status":
        assert value is not None
        assert json.loads(value) == item["status"]
    else:
        assert value is None


def test_a_status_is_found_behind_anything() -> None:
    heavy = (
        b'{"metadata":{"name":"x"},"spec":[' + b"[" * MOST + b'],"status":{"stable":{"tag":"v1"}}}'
    )
    assert last_member(heavy, "status") == b'{"stable":{"tag":"v1"}}'
    inner = b'{"conditions":[{"type":"Ready","status":"True"}],"a":{"status":[]}}'
    assert (
        last_member(b'{"spec":[' + b'"status":[[' * MOST + b'],"status":' + inner + b"}", "status")
        == inner
    )
    assert last_member(b'{"spec":{"status":{"a":1}}}', "status") is None
    assert last_member(b'{"spec":"{\\"status\\":{}"}', "status") is None


def test_a_walk_ends_after_its_steps() -> None:
    heavy = b'{"kind":"Pod","spec":' + b"[[" * MOST
    known = members(heavy, ("kind", "spec", "status"), steps=1000)
    assert known.whole == {"kind": b'"Pod"'}
    assert known.rest["spec"].startswith(b"[[[[")


@given(
    ITEMS, st.integers(1, 40), st.sampled_from([None, 1]), st.permutations(["metadata", "items"])
)
def test_items_are_cut_out_wherever_the_text_is_parted(
    items: list[Json], step: int, indent: int | None, order: list[str]
) -> None:
    described: dict[str, Json] = {"metadata": {"continue": '"items":['}}
    value = {**described, "items": items}
    text = written({name: value[name] for name in order}, indent)
    splitter = ListSplitter(MOST)
    parts = (text[at : at + step] for at in range(0, len(text), step))
    cut = [item for part in parts for item in splitter.feed(part)]
    assert [json.loads(item) for item in cut if item is not None] == items
    assert json.loads(splitter.around() or b"") == {**described, "items": []}


LONG_PARTS = st.lists(
    st.sampled_from(
        [
            b"[" * 9,
            b"]" * 9,
            b"[[]],",
            b'{"a":',
            b"}",
            b'"]]}"',
            b'"\\""',
            b'"\\\\"',
            b'"[\\\\\\"["',
            b"1,",
        ]
    ),
    max_size=60,
)


@given(LONG_PARTS, st.integers(1, 50))
def test_a_long_item_is_accounted_for_as_a_short_one_is(parts: list[bytes], step: int) -> None:
    """Whatever it holds: in parts at once where it cannot end, or bracket by bracket."""
    long, head = ListSplitter(MOST), b'{"items":[{"metadata":{"a":"%s"' % (b"x" * 70_000)
    short = ListSplitter(MOST)
    text = b"".join(parts) + b'"}]}]}'
    cut = [*long.feed(head), *short.feed(head.replace(b"x", b""))]
    assert not cut
    ours = [item for at in range(0, len(text), step) for item in long.feed(text[at : at + step])]
    plain = [item for at in range(0, len(text), step) for item in short.feed(text[at : at + step])]
    assert [(item or b"").replace(b"x", b"") for item in ours] == plain
    assert long.around() == short.around()


def test_an_item_without_end_is_not_kept() -> None:
    splitter, peak = ListSplitter(1000), 0
    head = list(splitter.feed(b'{"items":[{"metadata":{"name":"'))
    for _ in range(100):
        assert not list(splitter.feed(b"x" * 1000))
        peak = max(peak, len(splitter._item))
    assert not head
    assert peak < 3000
    assert list(splitter.feed(b'"}},{"metadata":{}},{"metadata":{}}]}')) == [
        None,
        b'{"metadata":{}}',
        b'{"metadata":{}}',
    ]
    assert splitter.around() == b'{"items":[]}'
    assert ListSplitter(1000).around() == b""


def test_a_list_that_was_cut_off_has_no_end() -> None:
    splitter = ListSplitter(1000)
    assert list(splitter.feed(b'{"items":[{"metadata":{}},{"metadata"')) == [b'{"metadata":{}}']
    assert splitter.around() is None


@pytest.mark.parametrize("unit", [b"[", b"{},", b'"', b'{"a":', b"\\", b'"a",', b"[]"])
def test_hostile_parts_are_split_in_time(unit: bytes) -> None:
    splitter = ListSplitter(MOST)
    list(splitter.feed(b'{"items":[{"metadata":{'))
    part = unit * (65536 // len(unit))
    started = time.thread_time()
    list(splitter.feed(part))
    assert time.thread_time() - started < 0.05
