"""The definition of the resource as the API server understands it."""

import copy
import json
import subprocess
from collections.abc import Iterator

import pytest
from tests.chart.conftest import CHART, find_helm
from tests.support.kube import kubectl
from tests.support.manifests import Manifest, changed, minimal

from davylamp.api.crd import custom_resource_definition
from davylamp.manifests import says_the_same
from localcluster.names import CONTEXT

GROUP_PATH = "/apis/davylamp.dev/v1alpha1"


def test_the_file_is_what_the_models_say(crd_file: Manifest) -> None:
    assert crd_file == custom_resource_definition()


def test_the_api_server_stores_all_of_it(crd: Manifest) -> None:
    """What a schema may not hold is dropped in silence, so a difference is a defect."""
    assert says_the_same(crd["spec"], custom_resource_definition()["spec"])


def test_plain_kubectl_apply_can_install_it(crd_file: Manifest) -> None:
    """It keeps the whole of it in an annotation, and annotations have 262144 bytes in all."""
    named = {**crd_file, "metadata": {"name": crd_file["metadata"]["name"]}}
    answer = kubectl("apply", "--dry-run=server", "-f", "-", stdin=named)

    assert answer.code == 0, answer.err


@pytest.fixture
def elsewhere(crd_file: Manifest) -> Iterator[Manifest]:
    """The same definition in a group of its own, that nobody else uses."""
    group = "definition.it.davylamp.dev"
    name = f"modeldeployments.{group}"
    copied = {**crd_file, "metadata": {"name": name}, "spec": {**crd_file["spec"], "group": group}}
    yield copied
    kubectl("delete", "crd", name, "--ignore-not-found")


def test_plain_kubectl_apply_upgrades_an_open_definition_to_all_of_ours(
    elsewhere: Manifest,
) -> None:
    """It sends what changed as a strategic patch, which must not find its own words in a schema."""
    earlier = copy.deepcopy(elsewhere)
    root = earlier["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    serving = root["spec"]["properties"]["serving"]["properties"]
    serving["template"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

    for definition in (earlier, elsewhere):
        answer = kubectl("apply", "-f", "-", stdin=definition)
        assert answer.code == 0, answer.err

    stored = kubectl("get", "crd", elsewhere["metadata"]["name"], "-o", "json").json
    assert says_the_same(stored["spec"], elsewhere["spec"])
    assert "x-kubernetes-preserve-unknown-fields" not in json.dumps(stored["spec"])


def test_the_schema_is_structural_and_served(crd: Manifest) -> None:
    conditions = {c["type"]: c["status"] for c in crd["status"]["conditions"]}

    assert conditions == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.parametrize(
    "name", ["modeldeployment.davylamp.dev", "modeldeployments.davylamp.dev", "davylamp"]
)
def test_full_names_and_category(name: str) -> None:
    listed = kubectl("get", name, "-A", "-o", "json")

    assert listed.code == 0, listed.err


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("modeldeployment", "rolled out and rolled back automatically"),
        ("modeldeployment.spec", "Random seed of the training run"),
        ("modeldeployment.spec.rollout", "Rising shares of traffic"),
        ("modeldeployment.spec.rollout.steps", "Wait here until a user"),
        ("modeldeployment.spec.rollout.gates.errorRate", "anytime-valid"),
        ("modeldeployment.spec.image", "does not name one model"),
        ("modeldeployment.spec.secrets", "Pin copies it"),
        ("modeldeployment.status.candidate.gates", "neither good nor bad"),
    ],
)
def test_kubectl_explain_reads_well(path: str, words: str) -> None:
    said = kubectl("explain", path, "--api-version=davylamp.dev/v1alpha1")

    assert said.code == 0, said.err
    assert words in " ".join(said.out.split())


def undescribed(path: str, schema: Manifest) -> list[str]:
    """Paths of fields that `kubectl explain` would have nothing to say about.

    Of a pod template's fields `kubectl explain pod` says more than there would be room for.
    """
    if path == "spec.serving.template":
        return [] if schema.get("description") else [path]
    found = [] if schema.get("description") else [path]
    for name, child in schema.get("properties", {}).items():
        found += undescribed(f"{path}.{name}", child)
    if "properties" in schema.get("items", {}):
        found += undescribed(f"{path}[]", schema["items"])
    return found


def test_every_field_is_described(crd: Manifest) -> None:
    root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    assert undescribed("spec", root["properties"]["spec"]) == []
    assert undescribed("status", root["properties"]["status"]) == []


def test_status_and_scale_are_subresources() -> None:
    resources = kubectl("get", "--raw", GROUP_PATH).json["resources"]

    by_name = {each["name"]: each for each in resources}
    assert set(by_name) == {"modeldeployments", "modeldeployments/status", "modeldeployments/scale"}
    assert by_name["modeldeployments"]["categories"] == ["davylamp"]
    assert by_name["modeldeployments/scale"]["kind"] == "Scale"


@pytest.fixture
def waiting(namespace: str) -> Manifest:
    """One that is paused before its first rollout, so that nothing is made for it."""
    manifest = changed(minimal("waiting", namespace), {"spec.paused": True})
    made = kubectl("apply", "--server-side", "-f", "-", stdin=manifest)
    assert made.code == 0, made.err
    return manifest


def test_kubectl_scale(waiting: Manifest, namespace: str) -> None:
    scaled = kubectl(
        "scale", "-n", namespace, "modeldeployment.davylamp.dev/waiting", "--replicas=3"
    )
    stored = kubectl(
        "get", "modeldeployment.davylamp.dev/waiting", "-n", namespace, "-o", "json"
    ).json

    assert scaled.code == 0, scaled.err
    assert stored["spec"]["replicas"] == 3


def test_kubectl_scale_to_nothing_is_refused(waiting: Manifest, namespace: str) -> None:
    scaled = kubectl(
        "scale", "-n", namespace, "modeldeployment.davylamp.dev/waiting", "--replicas=0"
    )

    assert scaled.code != 0
    assert "spec.replicas" in scaled.err


def test_status_is_not_the_users_to_write(waiting: Manifest, namespace: str) -> None:
    manifest = changed(waiting, {"status.replicas": 7})
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)

    stored = kubectl(
        "get", "modeldeployment.davylamp.dev/waiting", "-n", namespace, "-o", "json"
    ).json
    assert stored.get("status", {}).get("replicas", 0) != 7


def test_a_new_object_counts_as_not_looked_at(namespace: str) -> None:
    """By the kstatus rules one without a status would count as healthy, whoever watches it."""
    fresh = minimal("fresh", namespace)
    created = kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=fresh).json

    assert created["status"] == {"observedGeneration": -1}


def test_columns_of_kubectl_get(waiting: Manifest, namespace: str) -> None:
    table = kubectl("get", "modeldeployment.davylamp.dev/waiting", "-n", namespace)

    columns = table.out.splitlines()[0].split()
    assert columns == ["NAME", "READY", "TAG", "CANDIDATE", "WEIGHT", "STEP", "REASON", "AGE"]


def test_a_second_release_is_told_which_one_has_the_definition() -> None:
    def rendered(*arguments: str) -> subprocess.CompletedProcess[str]:
        where = ("--namespace", "other", "--kube-context", CONTEXT, "--dry-run=server")
        return subprocess.run(
            [find_helm(), "template", "second", str(CHART), *where, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    told = "belongs to the release davylamp-system/davylamp: install this one with "
    refused = rendered()
    assert refused.returncode != 0
    assert told in refused.stderr
    options = refused.stderr.partition(told)[2].partition(", and")[0]
    assert rendered(*options.split()).returncode == 0
