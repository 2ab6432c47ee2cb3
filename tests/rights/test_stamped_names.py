"""Names beside commands where the API server writes them: MutatingAdmissionPolicy, without a webhook."""

from collections.abc import Iterator

import pytest
from tests.rights.conftest import AUTHOR, install, namespace_of
from tests.support.manifests import minimal
from tests.support.rights import Court, court, rendered, rule, until

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
    assert _annotations(alice.annotate(home, "risk", abort=REVISION)) == {
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
        "davylamp.dev/abort": "a",
        "by.davylamp.dev/abort": "a alice",
        "davylamp.dev/promote": "b",
        "by.davylamp.dev/promote": "b alice",
    }


def test_what_is_no_command_gets_no_name(stamping, home):
    alice = stamping.grant(
        "alice", home, AUTHOR, rule("update", "davylamp.dev/modeldeployments/rollout")
    )
    assert _annotations(alice.change(home, "risk", {"spec": {"paused": True}})) == {}
    labels = {"metadata": {"labels": {"team": "risk"}}}
    assert _annotations(alice.change(home, "risk", labels)) == {}


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
