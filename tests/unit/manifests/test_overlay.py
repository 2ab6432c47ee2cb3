"""Merging a user's overlay: by key, by name, or as a whole."""

import pytest

from davylamp.manifests.overlay import merged


@pytest.mark.parametrize(
    ("base", "overlay", "result"),
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        (
            {"c": [{"name": "model", "image": "i"}]},
            {"c": [{"name": "model", "tty": True}, {"name": "proxy"}]},
            {"c": [{"name": "model", "image": "i", "tty": True}, {"name": "proxy"}]},
        ),
        ({"c": [{"name": "x"}]}, {"c": []}, {"c": []}),
        ({"c": [{"name": "x"}]}, {"c": [{"value": 1}]}, {"c": [{"value": 1}]}),
    ],
)
def test_merging(base, overlay, result):
    assert merged(base, overlay) == result


def test_neither_side_is_changed():
    base, overlay = {"a": {"b": [{"name": "x"}]}}, {"a": {"b": [{"name": "x", "v": 1}]}}
    merged(base, overlay)
    assert base == {"a": {"b": [{"name": "x"}]}}
    assert overlay == {"a": {"b": [{"name": "x", "v": 1}]}}
