"""Getters answer with the same kind of value whatever the document holds."""

import pytest

from davylamp.schema.json import entries, field, integer, is_deeper, section, text

POD = {
    "metadata": {"name": "model-1", "labels": {"tier": "canary"}},
    "status": {"restarts": 3, "ready": True, "conditions": [{"type": "Ready"}, "odd", None]},
}


def test_a_path_leads_to_the_value():
    assert field(POD, "metadata", "labels", "tier") == "canary"
    assert field(POD) is POD
    assert text(POD, "metadata", "name") == "model-1"
    assert integer(POD, "status", "restarts") == 3
    assert section(POD, "metadata", "labels") == {"tier": "canary"}
    assert entries(POD, "status", "conditions") == [{"type": "Ready"}]


@pytest.mark.parametrize(
    "path", [("spec", "replicas"), ("metadata", "name", "first"), ("status", "conditions", "0")]
)
def test_a_path_that_ends_early_gives_the_empty_value(path):
    assert field(POD, *path) is None
    assert (text(POD, *path), integer(POD, *path)) == ("", 0)
    assert (section(POD, *path), entries(POD, *path)) == ({}, [])


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}])
def test_what_is_not_text_is_empty(value):
    assert text(value) == ""


@pytest.mark.parametrize("value", [None, "1", 1.5, True, [], {}])
def test_what_is_not_an_integer_is_zero(value):
    assert integer(value) == 0


@pytest.mark.parametrize("value", [None, "x", 1, True, ["x"]])
def test_what_is_not_an_object_is_empty(value):
    assert section(value) == {}


@pytest.mark.parametrize("value", [None, "x", 1, True, {"a": {}}])
def test_what_is_not_a_list_has_no_entries(value):
    assert entries(value) == []


@pytest.mark.parametrize(
    ("value", "levels"),
    [(1, 1), ("text", 1), ({}, 1), ({"a": 1}, 2), ([[], {"a": []}], 3), ({"a": {"b": [1]}}, 4)],
)
def test_how_deep_a_value_is(value, levels):
    assert is_deeper(value, levels - 1)
    assert not is_deeper(value, levels)


def test_any_depth_can_be_looked_at():
    value: list = []
    for _ in range(100_000):
        value = [value]
    assert is_deeper(value, 32)
    while value:
        value = value.pop()
