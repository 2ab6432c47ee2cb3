"""Images from a real registry: what a kubelet pulls, before and after their tags were moved."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.reading import Json
from tests.support.registry import Registry, running
from tests.support.story import Story

from davylamp.api.names import Reason
from lab import metrics, models
from lab.kubectl import wait_until
from localcluster.names import CONTEXT, NODE
from localcluster.product import NAMESPACE

ROOT = Path(__file__).parents[2]
NAME = "models/risk"
CERTIFICATES = "/etc/containerd/certs.d"
REGISTRY_PART = (
    f'\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "{CERTIFICATES}"\n'
)
PATIENCE = 60.0


@dataclass(frozen=True)
class Repository:
    """A repository that nodes and the operator know by one name, and this machine by another."""

    name: str
    inside: Registry


def shell(*command: str, text: str | None = None) -> str:
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def on_node(script: str, *, text: str | None = None) -> str:
    return shell("docker", "exec", "-i", NODE, "sh", "-c", script, text=text)


def gateway() -> str:
    """This machine's address as the node and its pods see it."""
    networks = json.loads(shell("docker", "network", "inspect", "kind"))
    addresses = (part.get("Gateway", "") for part in networks[0]["IPAM"]["Config"])
    return next(address for address in addresses if address and ":" not in address)


def trust(host: str) -> None:
    """Let the node pull from a registry without TLS."""
    if CERTIFICATES not in on_node("containerd config dump"):
        on_node("cat >> /etc/containerd/config.toml", text=REGISTRY_PART)
        on_node("systemctl restart containerd && ctr version")
    hosts = (
        f'server = "http://{host}"\n[host."http://{host}"]\ncapabilities = ["pull", "resolve"]\n'
    )
    folder = f"{CERTIFICATES}/{host}"
    on_node(f"mkdir -p '{folder}' && cat > '{folder}/hosts.toml'", text=hosts)


def configure(settings: Sequence[str]) -> None:
    """Change the operator's settings, and wait until one with these leads."""
    before = set(metrics.operator_pods())
    shell(
        *("helm", "upgrade", "davylamp", str(ROOT / "charts/davylamp")),
        *("--reset-then-reuse-values", "--kube-context", CONTEXT, "--namespace", NAMESPACE),
        *("--wait", "--timeout", "3m"),
        *(part for setting in settings for part in ("--set", setting)),
    )
    wait_until(
        lambda: (
            not before & set(metrics.operator_pods()) and metrics.leader() not in {*before, None}
        ),
        timeout=PATIENCE,
        what="an operator with other settings to lead",
    )


@pytest.fixture
def repository(stage: Story, tmp_path: Path) -> Iterator[Repository]:
    """The sample model's images in a registry, by their own tags; the operator demands digests."""
    with running(tmp_path) as inside, running(tmp_path, gateway()) as outside:
        for release in ("v1", "v2"):
            tag = stage.tags[release]
            name = f"{inside.host}/{NAME}:{tag}"
            shell("docker", "tag", f"{models.REPOSITORY}:{tag}", name)
            shell("docker", "push", "--quiet", name)
            shell("docker", "rmi", name)
        trust(outside.host)
        configure(
            (
                "modelImages.digests=Require",
                f"modelImages.plainHttpRegistries={{{outside.host}}}",
            )
        )
        try:
            yield Repository(f"{outside.host}/{NAME}", inside)
        finally:
            configure(("modelImages.digests=Off", "modelImages.plainHttpRegistries=null"))


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
