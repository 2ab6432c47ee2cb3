"""Annotations, owners and records as the API server has them."""

from davylamp.api.names import Command
from davylamp.controller.cluster.objects import (
    commands_in,
    has_other_owner,
    record_number,
)


def test_commands_are_annotations_with_a_text():
    said = {"davylamp.dev/abort": "aaa@1", "davylamp.dev/retry": 3, "other": "x"}
    assert commands_in({"metadata": {"annotations": said}}) == {Command.ABORT: "aaa@1"}
    assert commands_in({"metadata": {}}) == {}


def test_what_has_no_owner_may_be_ours_what_has_another_is_not():
    def owned(*uids: str) -> dict:
        return {"metadata": {"ownerReferences": [{"uid": uid} for uid in uids]}}

    assert not has_other_owner({"metadata": {}}, "mine")
    assert not has_other_owner(owned("theirs", "mine"), "mine")
    assert has_other_owner(owned("theirs"), "mine")


def test_a_record_without_a_number_comes_first():
    assert record_number({}) == 0
    assert record_number({"revision": 7}) == 7
