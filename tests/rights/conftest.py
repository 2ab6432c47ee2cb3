"""A real API server as a process, with the chart's roles and policies: who may do what."""

import re
import zlib
from collections.abc import Iterator

import pytest
from tests.support.manifests import minimal
from tests.support.rights import SYSTEM, Court, court, rendered, rule, until

AUTHOR = rule("get list create update patch delete", "davylamp.dev/modeldeployments")


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    """The API server, with nothing in it."""
    with court(tmp_path_factory.mktemp("rights")) as plane:
        yield plane


@pytest.fixture(scope="session")
def installed(bare: Court) -> Court:
    """The same with all of the chart, as it is installed by default, and its policies in force."""
    install(bare)
    return bare


def install(plane: Court, *options: str) -> None:
    """Put the chart into an API server, and wait until its policies are in force."""
    documents, served = rendered({}, *options), "/apis/davylamp.dev/v1alpha1"
    definitions = [d for d in documents if d["kind"] == "CustomResourceDefinition"]
    plane.namespace(SYSTEM)
    for document in definitions:
        plane.put(document)
    until(lambda: not plane.admin.ask("GET", served).is_refused, "the definition")
    for document in documents:
        plane.put(document)
    in_force(plane)


def in_force(plane: Court) -> None:
    """Wait until each policy refuses something: an API server takes a moment to heed a new one."""
    namespace = plane.namespace("in-force")
    nobody = plane.grant("nobody", namespace, AUTHOR)
    deployer = plane.grant("deployer", namespace, AUTHOR, rule("create", "apps/deployments"))
    plain, commanded = minimal(namespace=namespace), minimal(namespace=namespace)
    commanded["metadata"]["annotations"] = {"davylamp.dev/abort": "x"}
    for person, manifest in ((nobody, plain), (deployer, commanded)):

        def refused(person=person, manifest=manifest) -> bool:
            return person.create(namespace, manifest, query="?dryRun=All").code == 403

        until(refused, "a policy that refuses")
    recorder = plane.grant("recorder", namespace, rule("create", "apps/controllerrevisions"))
    record = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "x", "labels": {"app.kubernetes.io/managed-by": "davylamp"}},
        "revision": 1,
        "data": {"intent": {}},
    }
    records = f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions?dryRun=All"
    until(lambda: recorder.ask("POST", records, record).code == 403, "the policy of records")


@pytest.fixture
def namespace(installed: Court, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own."""
    return installed.namespace(namespace_of(request.node.name))


def namespace_of(test: str) -> str:
    """A name for the namespace of a test, one for each of its cases."""
    words = re.sub("[^a-z0-9]+", "-", test.removeprefix("test_").lower())
    return f"{words[:50].strip('-')}-{zlib.crc32(test.encode())}"
