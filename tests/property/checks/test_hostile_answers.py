"""Whatever an image says, each check gives a bounded answer, and never passes another model."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.contract import ALL, EXPECTED, Server, inspected, manifest_of

from davylamp.checks import Answered, Declined, Expected, Replies, Silent, judged, questions
from davylamp.checks.results import LONGEST_MESSAGE

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**300, max_value=10**400),
    st.floats(),
    st.text(max_size=20),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["predictions", "explanations", "prediction", "golden"]),
                      st.text(max_size=5)),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)  # fmt: skip
replies = st.one_of(
    anything.map(Answered),
    st.builds(Declined, st.just("answered 500"), st.sampled_from([200, 404, 500])),
    st.builds(Silent, st.just("no answer")),
)


sizes = st.floats(-1e6, 1e6).filter(lambda size: not size or abs(size) > 1e-100)


def paths(node, path=()):
    """Paths to every member of a document."""
    yield path
    if not isinstance(node, dict | list):
        return
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield from paths(value, (*path, key))


def replaced(document, path, value):
    found = copy.deepcopy(document)
    node = found
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return found


def is_sound(results):
    assert [r.name for r in results] == list(ALL)
    for result in results:
        assert 0 < len(result.message) <= LONGEST_MESSAGE
        assert result.message.isprintable()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(paths(manifest_of()))[1:]), anything)
def test_any_member_of_the_manifest_may_be_anything(path, value):
    document = replaced(manifest_of(), path, value)
    results = list(inspected(Server(document)).values())
    is_sound(results)
    said = {r.name: r.verdict for r in results}
    identity = [document.get("seed")]
    identity += [
        node.get(key) if isinstance(node, dict) else None
        for node, key in ((document.get("image"), "tag"), (document.get("featureSnapshot"), "id"))
    ]
    if said["Manifest"] == "Pass":
        assert identity == [EXPECTED.seed, EXPECTED.tag, EXPECTED.snapshot]


@settings(max_examples=300, deadline=None)
@given(replies, st.lists(replies, max_size=4), st.lists(replies, max_size=4))
def test_any_reply_to_anything(manifest, predictions, explanations):
    questions(ALL, manifest)
    for first in (manifest, Answered(manifest_of())):
        heard = Replies(first, tuple(predictions), tuple(explanations))
        is_sound(judged(ALL, EXPECTED, heard))


@settings(max_examples=200, deadline=None)
@given(st.lists(sizes, min_size=1, max_size=5), st.data())
def test_predictions_pass_if_they_are_the_recorded_ones_and_not_if_one_is_off(recorded, data):
    manifest = manifest_of()
    manifest["golden"] = [{"request": {}, "predictions": recorded}]
    expected = Expected(EXPECTED.tag, EXPECTED.snapshot, EXPECTED.seed)
    off = data.draw(st.integers(0, len(recorded) - 1))
    largest = max(map(abs, recorded))

    def golden(served):
        replies = Replies(Answered(manifest), (Answered({"predictions": served}),))
        return judged([ALL[1]], expected, replies)[0].verdict

    assert golden(recorded) == "Pass"
    wrong = list(recorded)
    wrong[off] += 1e-3 * (largest or 1)
    assert golden(wrong) == "Fail"
