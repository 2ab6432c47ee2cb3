"""The reader of sentences (see conftest.py) finds what it looks for, and reads every story."""

import pytest
from tests.support.nature import Model, settle, world_in
from tests.unit.rollout.sentences import faults_of

from davylamp.rollout.wording import RESOURCE


@pytest.mark.parametrize(
    "sentence",
    [
        "v2 was taken back, v1 serves",
        "gate slow would take v2 back",
        "a person said abort",
        "no traffic unwatched: connection refused",
        "go on with `kubectl annotate --overwrite md risk davylamp.dev/abort=abc`",
        "go on with `kubectl annotate --overwrite modeldeployments/risk davylamp.dev/abort=abc`",
        f"try again: kubectl annotate --overwrite {RESOURCE}/risk davylamp.dev/retry=abc",
        f"`kubectl annotate --overwrite {RESOURCE}/NAME davylamp.dev/abort=abc`",
        "v1 is serving with 1 pods",
        f"`kubectl annotate --overwrite {RESOURCE}/risk davylamp.dev/abort=abc`",
        f"`kubectl annotate --overwrite {RESOURCE}/risk davylamp.dev/forget=abc -n ml`",
        f"`kubectl annotate --overwrite {RESOURCE}/risk davylamp.dev/abort=<revision> -n ml`",
        f"`kubectl patch {RESOURCE}/risk --type merge -p '{{}}' -n ml`",
        "`kubectl frobnicate -n ml`",
    ],
)
def test_a_bad_sentence_is_found(sentence):
    assert faults_of(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "v2 rolled back; v1 is serving",
        f"try again: `kubectl annotate --overwrite {RESOURCE}/risk davylamp.dev/retry=abc -n ml`",
        "waiting for 1 pod; if the node is gone: `kubectl delete pod --force stuck -n ml`",
    ],
)
def test_a_good_sentence_has_no_fault(sentence):
    assert faults_of(sentence) == []


def test_every_sentence_of_a_story_is_read(sentences):
    world = world_in("Canary")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    assert "v1 is serving" in sentences
    assert {notice.message for notice in world.notices} <= sentences
    assert {condition.message for condition in world.status.conditions} <= sentences
