"""Annotations, owners and records as the API server has them."""

from davylamp.controller.cluster.objects import (
    has_other_owner,
    record_number,
)


def test_what_has_no_owner_may_be_ours_what_has_another_is_not():
    def owned(*uids: str) -> dict:
        return {"metadata": {"ownerReferences": [{"uid": uid} for uid in uids]}}

    assert not has_other_owner({"metadata": {}}, "mine")
    assert not has_other_owner(owned("theirs", "mine"), "mine")
    assert has_other_owner(owned("theirs"), "mine")


def test_a_record_without_a_number_comes_first():
    assert record_number({}) == 0
    assert record_number({"revision": 7}) == 7
