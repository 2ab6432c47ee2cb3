"""Whether a stored child says what it should, which decides if a write is planned at all."""

import pytest

from davylamp.controller.cluster.stored import StoredChildren, spelling

UID = "uid-1"
MANIFEST = {
    "kind": "Deployment",
    "metadata": {"name": "risk-a", "namespace": "models", "labels": {"a": "b"}},
    "spec": {"replicas": 2, "template": {"cpu": "1000m"}},
}


def stored(*, owner: str | None = UID, **changes: object) -> dict:
    owners = {"ownerReferences": [{"uid": owner}]} if owner else {}
    metadata = {**MANIFEST["metadata"], **owners, "resourceVersion": "7"}
    return {**MANIFEST, "metadata": metadata, "status": {"replicas": 2}, **changes}


def children(item: dict | None, **spellings: object) -> StoredChildren:
    items = {("Deployment", "risk-a"): item} if item else {}
    return StoredChildren(UID, items, spellings.get("spellings", {}))


def test_what_others_added_is_no_reason_to_write():
    assert children(stored()).agrees(MANIFEST)


@pytest.mark.parametrize(
    "item",
    [
        None,
        stored(spec={"replicas": 3, "template": {"cpu": "1000m"}}),
        stored(owner="uid-of-another"),
        stored(metadata={**stored()["metadata"], "deletionTimestamp": "2026-11-01T03:00:00Z"}),
    ],
    ids=["absent", "another number", "another owner", "going"],
)
def test_what_is_absent_different_foreign_or_going_does_not_agree(item):
    assert not children(item).agrees(MANIFEST)


def test_a_known_spelling_agrees_until_somebody_edits_it():
    spelled = stored(spec={"replicas": 2, "template": {"cpu": "1"}})
    known = {("Deployment", "risk-a"): spelling(MANIFEST, spelled)}
    assert not children(spelled).agrees(MANIFEST)
    assert children(spelled, spellings=known).agrees(MANIFEST)
    edited = stored(spec={"replicas": 2, "template": {"cpu": "2"}})
    assert not children(edited, spellings=known).agrees(MANIFEST)


@pytest.mark.parametrize(("owner", "ours"), [(UID, True), (None, False), ("other", False)])
def test_whose_it_is(owner, ours):
    assert children(stored(owner=owner)).is_ours(MANIFEST) is ours


def test_an_orphan_counts_as_ours_from_the_pass_on_that_adopts_it():
    items = {("Deployment", "risk-a"): stored(owner="dead")}
    left = frozenset({("Deployment", "risk-a")})
    assert StoredChildren(UID, items, orphans=left).is_ours(MANIFEST)
