"""Labels and annotations of users on all children."""

import pytest
from pydantic import ValidationError

from davylamp.api.child_metadata import NOTHING, ChildMetadata
from davylamp.api.identity import Owner

EXTRA = ChildMetadata(labels={"cost-center": "4711"}, annotations={"example.org/owner": "risk"})


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"a b": "c"}, "e.g. cost-center"),
        ({"A.b/c": "d"}, "e.g. cost-center"),
        ({"a..b/c": "d"}, "e.g. cost-center"),
        ({"a.-b/c": "d"}, "e.g. cost-center"),
        ({f"{'a.' * 127}/c": "d"}, "e.g. cost-center"),
        ({f"{'a' * 254}/c": "d"}, "e.g. cost-center"),
        ({"a": "b c"}, "e.g. risk-models"),
        ({"a": "-"}, "e.g. risk-models"),
        ({"a": "b" * 64}, "63"),
        ({"davylamp.dev/x": "y"}, "reserved"),
        ({"app.kubernetes.io/managed-by": "me"}, "reserved"),
        ({"kubernetes.io/metadata.name": "x"}, "reserved"),
        ({"pod-template-hash": "x"}, "reserved"),
        ({str(number): "x" for number in range(21)}, "20"),
    ],
)
def test_what_is_no_label_or_not_the_users_to_set_is_refused(labels, words):
    with pytest.raises(ValidationError, match=words):
        ChildMetadata(labels=labels)


def test_annotations_are_not_so_long_that_no_child_could_have_them():
    with pytest.raises(ValidationError, match="8192"):
        ChildMetadata(annotations={"a": "b" * 8193})
    longest = ChildMetadata(annotations={f"{'a' * 253}/c": "b" * 8192})
    assert longest.annotations


def test_what_a_model_says_comes_before_the_charts_defaults_and_ours_before_both():
    defaults = ChildMetadata(labels={"cost-center": "1", "team": "platform"})
    both = EXTRA.over(defaults)
    assert both.labels == {"cost-center": "4711", "team": "platform"}
    described = Owner("risk", "models", "uid-1", both).metadata("x", {"team": "ours"}, {"a": "b"})
    assert described["labels"] == {"cost-center": "4711", "team": "ours"}
    assert described["annotations"].items() >= {"example.org/owner": "risk", "a": "b"}.items()


def test_who_wants_nothing_changes_nothing():
    described = Owner("risk", "models", "uid-1", NOTHING).metadata("x", {"team": "ours"})
    assert "annotations" not in described
    assert described["labels"] == {"team": "ours"}
