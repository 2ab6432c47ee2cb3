"""Names beside commands where the API server writes them: MutatingAdmissionPolicy, without a webhook."""

from collections.abc import Iterator

import pytest
from tests.rights.conftest import AUTHOR, install, namespace_of
from tests.support.manifests import minimal
from tests.support.rights import APPLY, Court, court, rendered, rule, until

SERVED = "--api-versions=admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy"
REVISION = "f1579bf87b"
GIVES = rule(
    "update", "davylamp.dev/modeldeployments/abort", "davylamp.dev/modeldeployments/promote"
)


@pytest.fixture(scope="module")
def stamping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    """An API server that serves what Kubernetes 1.36 serves by itself."""
    switches = (
        "--feature-gates=MutatingAdmissionPolicy=true",
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
    )
    with court(tmp_path_factory.mktemp("names"), *switches) as plane:
        install(plane, SERVED)
        until(lambda: _is_stamped(plane), "the names")
        yield plane


def _is_stamped(plane: Court) -> bool:
    namespace = plane.namespace("stamped")
    plane.admin.create(namespace, minimal(namespace=namespace))
    plane.admin.annotate(namespace, "risk", abort=None)
    return "by.davylamp.dev/abort" in _annotations(
        plane.admin.annotate(namespace, "risk", abort="x")
    )


def _annotations(reply) -> dict[str, str]:
    assert reply.code in {200, 201}, reply.message
    return {
        key: value
        for key, value in reply.content["metadata"].get("annotations", {}).items()
        if "davylamp.dev/" in key
    }


@pytest.fixture
def home(stamping: Court, request: pytest.FixtureRequest) -> str:
    name = stamping.namespace(namespace_of(request.node.name))
    assert stamping.admin.create(name, minimal(namespace=name)).code == 201
    return name


def test_a_command_gets_the_name_of_whoever_gives_it(stamping, home):
    alice = stamping.grant("alice", home, AUTHOR, GIVES)
    given = _annotations(alice.annotate(home, "risk", abort=REVISION))
    assert given == {
        "by.davylamp.dev/spec": "1 bench",
        "davylamp.dev/abort": REVISION,
        "by.davylamp.dev/abort": f"{REVISION} alice",
    }


def test_a_false_name_is_written_over(stamping, home):
    mallory = stamping.grant("mallory", home, AUTHOR, GIVES)
    reply = mallory.annotate(home, "risk", abort=REVISION, by_abort=f"{REVISION} alice")
    assert _annotations(reply)["by.davylamp.dev/abort"] == f"{REVISION} mallory"
    assert mallory.annotate(home, "risk", by_abort=f"{REVISION} alice").code == 403


def test_several_commands_at_once_get_one_name_each(stamping, home):
    alice = stamping.grant("alice", home, AUTHOR, GIVES)
    reply = alice.annotate(home, "risk", abort="a", promote="b")
    assert _annotations(reply) == {
        "by.davylamp.dev/spec": "1 bench",
        "davylamp.dev/abort": "a",
        "by.davylamp.dev/abort": "a alice",
        "davylamp.dev/promote": "b",
        "by.davylamp.dev/promote": "b alice",
    }


def test_what_is_neither_command_nor_rollout_gets_no_name(stamping, home):
    alice = stamping.grant(
        "alice", home, AUTHOR, rule("update", "davylamp.dev/modeldeployments/scale")
    )
    before = _annotations(stamping.admin.change(home, "risk", {"metadata": {"labels": {"a": "b"}}}))
    assert _annotations(alice.change(home, "risk", {"spec": {"replicas": 7}})) == before
    labels = {"metadata": {"labels": {"team": "risk"}}}
    assert _annotations(alice.change(home, "risk", labels)) == before


def test_the_spec_gets_the_name_of_whoever_wrote_it(stamping, home):
    namespace = stamping.namespace(f"{home[:50]}-own")
    everything = (
        AUTHOR,
        rule("create", "apps/deployments"),
        rule("update", "davylamp.dev/modeldeployments/rollout"),
    )
    alice = stamping.grant("alice", namespace, *everything)
    bob = stamping.grant("bob", namespace, *everything)
    made = alice.create(namespace, minimal(namespace=namespace))
    assert _annotations(made) == {"by.davylamp.dev/spec": "1 alice"}
    for number, (person, change) in enumerate(
        (
            (bob, {"image": {"tag": "v2"}}),
            (alice, {"paused": True}),
            (bob, {"rollout": {"probation": "5m"}}),
            (
                bob,
                {
                    "serving": {
                        "template": {"spec": {"containers": [{"name": "model", "args": ["x"]}]}}
                    }
                },
            ),
            (alice, {"serving": None}),
        ),
        start=2,
    ):
        reply = person.change(namespace, "risk", {"spec": change})
        assert _annotations(reply) == {"by.davylamp.dev/spec": f"{number} {person.name}"}
        assert reply.content["metadata"]["generation"] == number
    applied = minimal(namespace=namespace)
    applied["spec"]["image"]["tag"] = "v9"
    reply = bob.change(namespace, "risk", applied, kind=APPLY)
    assert _annotations(reply) == {"by.davylamp.dev/spec": "7 bob"}


def test_nobody_wrote_a_spec_in_the_name_of_somebody_else(stamping, home):
    """Nor the next one: a name is about one generation."""
    mallory = stamping.grant("mallory", home, AUTHOR, rule("create", "apps/deployments"))
    for words in ("1 alice", "1 mallory", "2 mallory", "2 alice"):
        forged = {"metadata": {"annotations": {"by.davylamp.dev/spec": words}}}
        assert mallory.change(home, "risk", forged).code == 403, words
    change = {
        "spec": {"image": {"tag": "v2"}},
        "metadata": {"annotations": {"by.davylamp.dev/spec": "2 alice"}},
    }
    assert _annotations(mallory.change(home, "risk", change)) == {
        "by.davylamp.dev/spec": "2 mallory"
    }


def test_a_refused_command_stays_refused(stamping, home):
    alice = stamping.grant("alice", home, AUTHOR)
    assert alice.annotate(home, "risk", abort=REVISION).code == 403


def test_what_others_gave_keeps_their_names(stamping, home):
    alice = stamping.grant("alice", home, AUTHOR, GIVES)
    bob = stamping.grant("bob", home, AUTHOR, GIVES)
    alice.annotate(home, "risk", abort=REVISION)
    found = _annotations(bob.annotate(home, "risk", promote=REVISION))
    assert found["by.davylamp.dev/abort"] == f"{REVISION} alice"
    assert found["by.davylamp.dev/promote"] == f"{REVISION} bob"


def test_nothing_is_rendered_where_no_api_serves_it():
    kinds = {document["kind"] for document in rendered({})}
    assert not [kind for kind in kinds if kind.startswith("Mutating")]
