"""The node of the local cluster, and a registry that it pulls from for one test.

Kubelets remember by the id of an image which credentials pulled it, and refuse it under every other
name from then on: nothing that other tests run may ever be pulled or pushed, but images with ids of
their own. What was changed on the node is put back, byte by byte.
"""

import contextlib
import json
import subprocess
from collections.abc import Iterator

from localcluster.names import NODE

CERTIFICATES = "/etc/containerd/certs.d"
CONFIG = "/etc/containerd/config.toml"
KEPT = "/etc/containerd/config.toml.before-test"
PULLED = "/var/lib/kubelet/image_manager/pulled"
REGISTRY_PART = (
    f'\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "{CERTIFICATES}"\n'
)
RESTART = "systemctl restart containerd && ctr version"


def shell(*command: str, text: str | None = None) -> str:
    """What a command prints."""
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def on_node(script: str, *, text: str | None = None) -> str:
    """What a script prints that runs on the node."""
    return shell("docker", "exec", "-i", NODE, "sh", "-c", script, text=text)


def gateway() -> str:
    """This machine's address as the node and its pods see it."""
    networks = json.loads(shell("docker", "network", "inspect", "kind"))
    addresses = (part.get("Gateway", "") for part in networks[0]["IPAM"]["Config"])
    return next(address for address in addresses if address and ":" not in address)


@contextlib.contextmanager
def variant(image: str, name: str) -> Iterator[str]:
    """An image that behaves like another and has an id of its own, under a name; yields the id."""
    recipe = f"FROM {image}\nLABEL davylamp.dev/test={name}\n"
    shell("docker", "build", "--quiet", "--tag", name, "-", text=recipe)
    try:
        own = shell("docker", "image", "inspect", "--format", "{{.Id}}", name).strip()
        assert own != shell("docker", "image", "inspect", "--format", "{{.Id}}", image).strip()
        yield own
    finally:
        shell("docker", "rmi", name)


@contextlib.contextmanager
def trusting(host: str) -> Iterator[None]:
    """Let the node pull from a registry without TLS; afterwards it knows nothing of it."""
    hosts = (
        f'server = "http://{host}"\n[host."http://{host}"]\ncapabilities = ["pull", "resolve"]\n'
    )
    is_new = CERTIFICATES not in on_node("containerd config dump")
    had_folder = on_node(f"ls -d {CERTIFICATES} || true").strip()
    try:
        if is_new:
            on_node(f"cp -p {CONFIG} {KEPT} && cat >> {CONFIG}", text=REGISTRY_PART)
            on_node(RESTART)
        on_node(f"mkdir -p '{CERTIFICATES}/{host}'")
        on_node(f"cat > '{CERTIFICATES}/{host}/hosts.toml'", text=hosts)
        yield
    finally:
        on_node(f"rm -rf '{CERTIFICATES}/{host}'" if had_folder else f"rm -rf {CERTIFICATES}")
        if is_new:
            on_node(f"mv {KEPT} {CONFIG} && {RESTART}")


def forget(host: str, ids: frozenset[str]) -> None:
    """Remove images of a registry that no pod runs any more, and what the kubelet noted about them."""
    named = [line for line in on_node("ctr -n k8s.io images ls -q").split() if host in line]
    for name in (*named, *ids):
        on_node(f"ctr -n k8s.io images rm --sync '{name}' || true")
    for path in on_node(f"grep -lrF '{host}' {PULLED} || true").split():
        on_node(f"rm '{path}'")


def traces(host: str, ids: frozenset[str]) -> list[str]:
    """What the node still has of a registry."""
    found = on_node(f"grep -rlF '{host}' {PULLED} /etc/containerd || true; ls {KEPT} || true")
    kept = on_node("ctr -n k8s.io images ls -q").split()
    return [*found.split(), *(name for name in kept if host in name or name in ids)]
