import pytest

from davylamp.manifests import Owner, says_the_same, services
from davylamp.rollout import Route

OWNER = Owner("risk", "models", "uid-1")


@pytest.mark.parametrize(
    ("stored", "ours"),
    [
        ({"a": 1, "theirs": 2}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}),
        ({"items": [{"name": "x", "v": 1}, {"name": "y", "v": 2}]}, {"items": [{"name": "y"}]}),
        ({}, {"a": {}, "b": [], "c": None}),
    ],
)
def test_what_others_add_is_theirs(stored, ours):
    assert says_the_same(stored, ours)


@pytest.mark.parametrize(
    ("stored", "ours"),
    [
        ({"a": 2}, {"a": 1}),
        ({}, {"a": 1}),
        ({"items": [{"name": "x"}]}, {"items": [{"name": "y"}]}),
        ({"items": [1]}, {"items": [1, 2]}),
        ({"spec": "text"}, {"spec": {"a": 1}}),
    ],
)
def test_what_we_name_must_be_there(stored, ours):
    assert not says_the_same(stored, ours)


def test_a_selector_with_a_key_more_is_another_selector():
    pinned, _, _ = services(OWNER, Route("aaa", "bbb"))
    opened, _, _ = services(OWNER, Route("aaa", "bbb", opened=True))
    assert not says_the_same(pinned, opened)
    assert not says_the_same(opened, pinned)
    assert says_the_same(opened, opened)
