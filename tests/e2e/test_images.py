"""Images from a real registry: what a kubelet pulls, before and after their tags were moved."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support import node
from tests.support.reading import Json
from tests.support.registry import Registry, running
from tests.support.story import Story

from davylamp.api.names import Reason
from lab import metrics, models
from lab.kubectl import wait_until
from localcluster.names import CONTEXT
from localcluster.product import NAMESPACE

ROOT = Path(__file__).parents[2]
NAME = "models/risk"
PATIENCE = 60.0


@dataclass(frozen=True)
class Repository:
    """A repository that nodes and the operator know by one name, and this machine by another."""

    name: str
    inside: Registry


def helm(command: str, *arguments: str) -> str:
    place = ("--kube-context", CONTEXT, "--namespace", NAMESPACE)
    return node.shell("helm", command, "davylamp", *arguments, *place)


def changing(command: str, *arguments: str) -> None:
    """Change the operator's release, and wait until one of its new pods leads."""
    before = set(metrics.operator_pods())
    helm(command, *arguments, "--wait", "--timeout", "3m")
    wait_until(
        lambda: (
            not before & set(metrics.operator_pods()) and metrics.leader() not in {*before, None}
        ),
        timeout=PATIENCE,
        what="an operator with other settings to lead",
    )


@contextlib.contextmanager
def configured(settings: Sequence[str]) -> Iterator[None]:
    """The operator with other settings; afterwards exactly what was there before."""
    (last,) = json.loads(helm("history", "--max", "1", "--output", "json"))
    pairs = (part for setting in settings for part in ("--set", setting))
    try:
        changing("upgrade", str(ROOT / "charts/davylamp"), "--reset-then-reuse-values", *pairs)
        yield
    finally:
        changing("rollback", str(last["revision"]))


@contextlib.contextmanager
def published(story: Story, registry: Registry) -> Iterator[frozenset[str]]:
    """Images of two releases, with ids of their own, in a registry by the tags of the releases."""
    with contextlib.ExitStack() as images:
        ids = []
        for tag in (story.tags["v1"], story.tags["v2"]):
            name = f"{registry.host}/{NAME}:{tag}"
            ids.append(images.enter_context(node.variant(f"{models.REPOSITORY}:{tag}", name)))
            node.shell("docker", "push", "--quiet", name)
        yield frozenset(ids)


@contextlib.contextmanager
def pulled(story: Story, host: str, ids: frozenset[str]) -> Iterator[None]:
    """What pods of a story pull is gone from the node afterwards."""
    try:
        yield
    finally:
        story.kubectl("delete", models.RESOURCE, "--all", "--wait=false")
        wait_until(lambda: not story.pods(), timeout=PATIENCE, what="the end of all pods")
        node.forget(host, ids)


@pytest.fixture
def repository(stage: Story, tmp_path: Path) -> Iterator[Repository]:
    """Images in a registry that node and operator may ask; the operator demands digests."""
    with running(tmp_path) as inside, running(tmp_path, node.gateway()) as outside:
        host = outside.host
        settings = ("modelImages.digests=Require", f"modelImages.plainHttpRegistries={{{host}}}")
        with (
            published(stage, inside) as ids,
            node.trusting(host),
            pulled(stage, host, ids),
            configured(settings),
        ):
            yield Repository(f"{host}/{NAME}", inside)
        assert not node.traces(host, ids)


def test_p7_a_moved_tag_changes_no_bytes_and_is_told(stage: Story, repository: Repository) -> None:
    """Pods made anew, and a return, run what the tag meant when the revision was new."""

    def model(release: str) -> Json:
        manifest = stage.model(release)
        manifest["spec"]["image"]["repository"] = repository.name
        return manifest

    first = stage.apply(model("v1"))
    pinned = stage.wait_serving(first)["stable"]["digest"]
    tag = stage.tags["v1"]
    assert images(stage, first) == {f"{repository.name}:{tag}@{pinned}"}
    assert image_ids(stage, first) == {f"{repository.name}@{pinned}"}

    other = repository.inside.move(NAME, tag, to=stage.tags["v2"])
    assert other != pinned
    old = {pod["metadata"]["name"] for pod in stage.pods(first)}
    stage.kubectl("delete", "pod", "--all", "--wait=false")
    stage.wait(lambda: ready(stage, first) - old, "a pod made anew")
    assert image_ids(stage, first) == {f"{repository.name}@{pinned}"}

    second = stage.apply(model("v2"))
    assert stage.wait_serving(second)["stable"]["digest"] == other
    stage.apply(model("v1"))
    assert stage.wait_serving(first)["stable"]["digest"] == pinned
    assert image_ids(stage, first) == {f"{repository.name}@{pinned}"}
    moved = stage.wait(lambda: stage.condition("TagMoved"), "the moved tag to be told")
    assert pinned in moved["message"]
    assert other in moved["message"]
    assert stage.events(Reason.TAG_MOVED)

    missing = model("v1")
    missing["spec"]["image"]["tag"] = "never-pushed"
    unknown = stage.apply(missing)
    stage.wait_holding(Reason.IMAGE_NOT_RESOLVED)
    assert not stage.pods(unknown)
    assert stage.admits(first)


def images(story: Story, revision: str) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in story.pods(revision)}


def ready(story: Story, revision: str) -> set[str]:
    """Names of the pods that are ready."""
    return {
        pod["metadata"]["name"]
        for pod in story.pods(revision)
        if all(status["ready"] for status in pod["status"].get("containerStatuses", [{"ready": 0}]))
    }


def image_ids(story: Story, revision: str) -> set[str]:
    """What the runtime says that containers of a revision run."""
    statuses = (pod["status"].get("containerStatuses", []) for pod in story.pods(revision))
    return {status["imageID"] for of_pod in statuses for status in of_pod if status["imageID"]}
