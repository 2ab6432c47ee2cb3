"""A revision is the hash of what users wrote (P8), and of nothing else."""

import pytest

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.rollout.revision import identify, intent_of, name_of

WRITTEN = {
    "image": {"repository": "registry.example/diabetes-risk", "tag": "3f2c1ab"},
    "featureSnapshot": {"id": "2026-11-01"},
    "seed": 42,
}


def spec(**changes):
    return ModelDeploymentSpec.model_validate({**WRITTEN, **changes})


def name(**changes):
    return identify(spec(**changes), {}).revision


def test_the_name_is_ten_hex_digits_and_stable_across_releases():
    assert name() == "70fd3c6071"


@pytest.mark.parametrize(
    "change",
    [
        {"replicas": 7},
        {"paused": True},
        {"rollout": {"deadline": "3h"}},
        {"rollout": {"steps": [{"weight": 50, "pause": True}]}},
    ],
)
def test_p8_how_many_and_how_makes_no_new_revision(change):
    assert name(**change) == name()


@pytest.mark.parametrize(
    "default",
    [
        {"config": {}},
        {"secrets": []},
        {"serving": {"port": 8080}},
        {"serving": {"resources": {"limits": {}}, "template": {}}},
        {"image": {**WRITTEN["image"], "pullPolicy": "IfNotPresent", "pullSecrets": []}},
    ],
)
def test_p8_writing_a_default_out_makes_no_new_revision(default):
    assert name(**default) == name()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 43},
        {"image": {**WRITTEN["image"], "tag": "4a"}},
        {"image": {**WRITTEN["image"], "digest": "sha256:" + "a" * 64}},
        {"featureSnapshot": {"id": "2026-11-02"}},
        {"featureSnapshot": {"id": "2026-11-01", "sha256": "b" * 64}},
        {"config": {"OMP_NUM_THREADS": "1"}},
        {"secrets": [{"name": "store"}]},
        {"secrets": [{"name": "store", "policy": "Pin"}]},
        {"serving": {"port": 9000}},
        {"serving": {"template": {"spec": {"nodeSelector": {"gpu": "yes"}}}}},
    ],
)
def test_what_makes_the_model_behave_differently_is_a_new_revision(change):
    assert name(**change) != name()


def test_the_order_of_keys_does_not_matter():
    assert name(config={"A": "1", "B": "2"}) == name(config={"B": "2", "A": "1"})


def test_p8_a_recorded_intent_keeps_its_name_when_the_hash_changes():
    known = {"0123456789": intent_of(spec())}
    assert identify(spec(), known).revision == "0123456789"
    assert identify(spec(seed=43), known).revision == name(seed=43)


def test_the_hash_is_of_the_intent():
    assert name_of(intent_of(spec())) == name()
    assert name_of({}) != name()


def test_a_revision_says_which_model_it_is():
    found = identify(spec(), {})
    assert (found.tag, found.feature_snapshot, found.seed) == ("3f2c1ab", "2026-11-01", 42)


def test_p8_a_spec_that_only_lost_what_the_definition_no_longer_keeps_is_the_same_revision():
    """An earlier definition was open; what it stored is read without the fields of no pod template."""
    stored = {
        "metadata": {"annotations": {"a": "b"}, "name": "x"},
        "spec": {
            "newer": [{"a": 1}],
            "terminationGracePeriodSeconds": {"$overlay": "delete"},
            "containers": [{"name": "model", "args": ["x"], "newer": True}],
        },
    }
    read = {
        "metadata": {"annotations": {"a": "b"}},
        "spec": {
            "terminationGracePeriodSeconds": {},
            "containers": [{"name": "model", "args": ["x"]}],
        },
    }
    before, now = (spec(serving={"template": template}) for template in (stored, read))
    known = {"0123456789": intent_of(before)}
    assert identify(before, {}).revision != identify(now, {}).revision
    assert identify(now, known).revision == "0123456789"
    known["aaaaaaaaaa"] = intent_of(now)
    assert identify(now, known).revision == "aaaaaaaaaa", "what is equal comes first"
    for other in (
        {**read, "metadata": {}},
        {**read, "metadata": {"annotations": {}}},
        {"metadata": read["metadata"]},
        {**read, "spec": {**read["spec"], "containers": []}},
        {**read, "spec": {**read["spec"], "containers": [{"name": "model", "args": ["y"]}]}},
    ):
        assert identify(spec(serving={"template": other}), known).revision not in known
    assert identify(spec(serving={"template": read}, seed=7), known).revision not in known
