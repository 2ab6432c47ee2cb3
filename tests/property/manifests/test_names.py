"""Names that are made from names of users: valid, and no two things ever share one."""

import re
import string

from hypothesis import example, given, settings
from hypothesis import strategies as st

from davylamp.api.crd import MAX_NAME_LENGTH
from davylamp.api.identity import Owner, label_value, model_labels, revision_labels
from davylamp.manifests.flight_record import flight_name
from davylamp.manifests.nightly import candidate_job_name, cron_job_name
from davylamp.manifests.pods import LONGEST_KEY, pinned_key
from davylamp.manifests.revisions import pinned_secret
from davylamp.rollout.revision import ref_of

KEY = re.compile(r"[-._a-zA-Z0-9]+")
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
ENTRIES = st.tuples(
    st.text("ab.-", min_size=1, max_size=8).map(lambda text: f"a{text}z")
    | st.text(string.ascii_lowercase, min_size=200, max_size=253),
    st.text("ab.-_", min_size=1, max_size=8)
    | st.text(string.ascii_letters + "._-", min_size=200, max_size=LONGEST_KEY),
)
PIECES = [
    "a",
    "-",
    "stable",
    "canary",
    "flight",
    "probation",
    "drift",
    "explanations",
    "0123456789",
]
MODELS = (
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4)
    .map(lambda pieces: f"m{''.join(pieces)}z"[:MAX_NAME_LENGTH].rstrip("-"))
    .filter(lambda name: bool(DNS_LABEL.fullmatch(name)))
)
REVISIONS = st.text("0123456789abcdef", min_size=10, max_size=10)
ATTEMPTS = st.tuples(MODELS, REVISIONS)
INTENT = {"image": {"tag": "v1"}, "featureSnapshot": {"id": "s"}}


@settings(max_examples=500)
@given(ENTRIES, ENTRIES)
@example(("db", "prod.password"), ("db.prod", "password"))
@example(("db", "prod_password"), ("db.prod", "password"))
def test_two_entries_of_pinned_secrets_never_share_a_key(one, other):
    keys = [pinned_key(*one), pinned_key(*other)]
    assert (keys[0] == keys[1]) == (one == other)
    for key in keys:
        assert len(key) <= LONGEST_KEY
        assert KEY.fullmatch(key)
        assert key not in {".", ".."}


@given(
    st.dictionaries(
        ENTRIES.map(lambda e: e[0]),
        st.dictionaries(ENTRIES.map(lambda e: e[1]), st.just("QQ=="), max_size=4),
        max_size=4,
    )
)
def test_no_entry_is_lost_in_the_copy(sources):
    ref = ref_of("0123456789", INTENT)
    assert ref is not None
    copy = pinned_secret(Owner("m", "ns", "u"), ref, sources)
    assert len(copy["data"]) == sum(map(len, sources.values()))


def names_of(model, revision):
    """Every name that an object of a revision has, by what has its namespace of names."""
    owner = Owner(model, "ns", "uid")
    return {
        "Deployment": {owner.child(revision)},
        "ConfigMap": {
            owner.child(revision),
            flight_name(owner, revision),
            flight_name(owner, revision, probation=True),
        },
        "Job": {candidate_job_name(owner, revision)},
    }


@settings(max_examples=500)
@given(ATTEMPTS, ATTEMPTS)
def test_no_two_revisions_of_any_models_share_an_object(one, other):
    if one == other:
        return
    theirs = names_of(*other)
    for kind, names in names_of(*one).items():
        assert not names & theirs[kind], kind


@given(ATTEMPTS)
def test_names_and_labels_are_valid(attempt):
    model, revision = attempt
    owner = Owner(model, "ns", "uid")
    for kind, names in names_of(model, revision).items():
        for name in names:
            assert len(name) <= 63, kind
            assert DNS_LABEL.fullmatch(name)
    assert len(cron_job_name(owner)) <= 52
    for value in (*model_labels(owner).values(), *revision_labels(owner, revision, "v1").values()):
        assert LABEL.fullmatch(value)


@given(st.text(max_size=200))
def test_any_text_becomes_a_label(text):
    assert LABEL.fullmatch(label_value(text))
