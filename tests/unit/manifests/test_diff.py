import pytest

from davylamp.manifests import Owner, says_the_same
from davylamp.rollout import Route
from davylamp.rollout.routing.service_pods import ServicePods

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


def test_a_selector_with_one_more_key_is_different():
    pinned, _, _ = ServicePods().objects(OWNER, Route("aaa", "bbb"))
    opened, _, _ = ServicePods().objects(OWNER, Route("aaa", "bbb", opened=True))
    assert not says_the_same(pinned, opened)
    assert not says_the_same(opened, pinned)
    assert says_the_same(opened, opened)


def resources(**values: object) -> dict:
    return {"resources": {"limits": values}}


@pytest.mark.parametrize(
    ("stored", "ours"),
    [
        ("1", "1000m"),
        ("500m", "0.5"),
        ("2", 2),
        ("1Gi", "1024Mi"),
        ("1536Mi", "1.5Gi"),
        ("1k", "1000"),
        ("1e3", "1k"),
        ("100M", "0.1G"),
    ],
)
def test_a_quantity_in_another_spelling_is_the_same(stored, ours):
    assert says_the_same(resources(cpu=stored), resources(cpu=ours))


@pytest.mark.parametrize(
    ("stored", "ours"), [("1", "1001m"), ("1G", "1Gi"), ("1", "1k"), (None, "1"), ("", "1")]
)
def test_different_quantities_differ(stored, ours):
    assert not says_the_same(resources(cpu=stored), resources(cpu=ours))


def test_elsewhere_text_is_compared_as_text():
    assert not says_the_same(
        {"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "1000m"}]}
    )


@pytest.mark.parametrize("bomb", ["1e999999", "1e9999999", "9" * 60 + "E", "1e-999999"])
def test_a_quantity_out_of_all_bounds_is_compared_as_text(bomb):
    assert says_the_same(resources(cpu=bomb), resources(cpu=bomb))
    assert not says_the_same(resources(cpu=bomb), resources(cpu="1"))


WORK = [{"name": "work", "mountPath": "/models"}, {"name": "work", "mountPath": "/cache"}]
PORTS = [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}]


@pytest.mark.parametrize(("field", "items"), [("volumeMounts", WORK), ("ports", PORTS)])
def test_elements_are_told_apart_as_kubernetes_does(field, items):
    stored = [{"protocol": "TCP", **item} if field == "ports" else item for item in items]
    added = {"name": "token", "mountPath": "/var/run", "containerPort": 15020}
    assert says_the_same({field: [added, *stored]}, {field: items})
    assert not says_the_same({field: stored[:1]}, {field: items})


def test_of_equal_elements_the_first_counts_however_many_there_are():
    """Whoever else may write a child must not make a comparison cost the square of its length."""
    others = [{"name": f"v{n}", "emptyDir": {}} for n in range(20_000)]
    ours = [{"name": f"v{n}", "emptyDir": {}} for n in range(0, 20_000, 2)]
    assert says_the_same({"volumes": others}, {"volumes": ours})
    first, second = {"name": "v0", "a": 1}, {"name": "v0", "a": 2}
    assert says_the_same([first, second], [first])
    assert not says_the_same([first, second], [second])
