"""The cluster itself: create it, tell whether it lives, delete it."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from localcluster import engine, shell, strategy
from localcluster.cache import digest
from localcluster.errors import SetupError
from localcluster.host import Host
from localcluster.names import CLUSTER, CONTEXT, NODE
from localcluster.paths import KIND_DIR, cache_root
from localcluster.progress import Progress
from localcluster.strategy import ClusterState

RECOVERY_SECONDS = 20
RECIPE_FILE = "/etc/davylamp-recipe"
"""In the node: what it was created from. It lives and dies with the node."""
OLD_RECIPE = (
    f"the cluster {CLUSTER} was created from an older kind.yaml or node image; it is left as it is. "
    "To recreate it: make cluster-down cluster"
)


def kubectl(*arguments: str) -> list[str]:
    """A kubectl command line for this cluster."""
    return ["kubectl", "--context", CONTEXT, *arguments]


def render_config(base: str, cgroup_v1_part: str, *, cgroup_v1: bool) -> str:
    """The configuration of kind for this host."""
    return base + cgroup_v1_part if cgroup_v1 else base


def state() -> ClusterState:
    """What is there now."""
    status = shell.output(["docker", "inspect", "--format", "{{.State.Status}}", NODE])
    container = status.strip() if status else None
    ready = container == "running" and _node_ready()
    return strategy.classify(container=container, node_ready=ready)


def recipe(node_recipe: str) -> str:
    """Digest of what a cluster is created from: kind's configuration and the node image's recipe."""
    return digest(_read("kind.yaml"), _read("kind-cgroup-v1.yaml"), node_recipe)


def ensure(host: Host, *, recipe: str, node_image: Callable[[], str], progress: Progress) -> None:
    """End with a cluster that answers; a dead one (reboot, engine restart) is recreated.

    One that answers keeps what runs in it, also when its recipe has changed: that is only reported.

    Args:
        host: this machine.
        recipe: of the cluster as it would be created now.
        node_image: called for the image only when one is needed.
        progress: where to report.
    """
    current = state()
    if current is ClusterState.UNREACHABLE:
        current = _recover(progress)
    if current is ClusterState.READY:
        if _recipe_of_node() not in {recipe, ""}:
            progress.say(OLD_RECIPE)
        return
    if current is not ClusterState.ABSENT:
        progress.say(f"the cluster's node is {current.value}: recreating the cluster")
        delete()
    image = node_image()
    with progress.step("creating the cluster", expected=30):
        _create(host, image)
        shell.run(
            ["docker", "exec", NODE, "sh", "-c", f"echo {recipe} > {RECIPE_FILE}"], log="kind"
        )


def delete() -> None:
    """Delete the cluster and its entry in the kubeconfig; nothing happens where there is none."""
    if state() is ClusterState.ABSENT:
        return
    shell.run(["kind", "delete", "cluster", "--name", CLUSTER], log="kind")


def _recover(progress: Progress) -> ClusterState:
    """A running node whose API does not answer may only be starting, or be unknown to kubectl."""
    with progress.step("waiting for the API server of the running node"):
        shell.output(["kind", "export", "kubeconfig", "--name", CLUSTER])
        deadline = time.monotonic() + RECOVERY_SECONDS
        while not _node_ready() and time.monotonic() < deadline:
            time.sleep(0.5)
    return state()


def _recipe_of_node() -> str:
    """Empty where the node does not know it."""
    return (shell.output(["docker", "exec", NODE, "cat", RECIPE_FILE]) or "").strip()


def _node_ready() -> bool:
    condition = '{.status.conditions[?(@.type=="Ready")].status}'
    command = kubectl("get", "node", NODE, "-o", f"jsonpath={condition}", "--request-timeout=5s")
    return shell.output(command, timeout=10) == "True"


def _create(host: Host, image: str) -> None:
    texts = [_read("kind.yaml"), _read("kind-cgroup-v1.yaml")]
    with TemporaryDirectory(dir=cache_root()) as folder:
        config = Path(folder) / "kind.yaml"
        rendered = render_config(*texts, cgroup_v1=engine.uses_cgroup_v1())
        config.write_text(rendered, encoding="utf-8")
        options = ["--name", CLUSTER, "--image", image, "--config", str(config)]
        try:
            shell.run(["kind", "create", "cluster", *options, "--wait", "120s"], log="kind")
        except SetupError as problem:
            hint = f"{problem.hint}{_capability_hint(host)}"
            raise SetupError(str(problem), hint=hint) from problem
    wait_for_dns = kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns")
    shell.run([*wait_for_dns, "--timeout=120s"], log="kind")


def _capability_hint(host: Host) -> str:
    if not host.missing_capabilities:
        return ""
    listed = ", ".join(sorted(host.missing_capabilities))
    return (
        f"\nThis host withholds {listed}. If that is the reason, stop the Docker engine and run\n"
        "this again: it starts the engine with a runtime that copes."
    )


def _read(name: str) -> str:
    return (KIND_DIR / name).read_text(encoding="utf-8")
