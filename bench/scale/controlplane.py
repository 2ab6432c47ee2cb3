"""A control plane without nodes, as processes on this machine: etcd, the API server, controllers, kwok.

The binaries are those that the local cluster's node image is made of (`make cluster`), and kwok, which
plays kubelet for nodes that do not exist. Nothing is shared with the local cluster.
"""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from bench.scale.client import Client

from localcluster import gobuild
from localcluster.cache import Store
from localcluster.paths import artifacts_dir
from localcluster.progress import Progress

TOKEN: Final = "bench"
NODE_LABEL: Final = "kwok.x-k8s.io/node"
CONTROLLERS: Final = ("deployment", "replicaset", "garbage-collector", "namespace", "disruption")
PERMISSIVE: Final = (
    "--authorization-mode=AlwaysAllow",
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
)
"""Anybody may do anything: the bench measures work, not rights."""
QUICK: Final = ("--kube-api-qps=500", "--kube-api-burst=1000")
STAGES: Final = (
    "node/fast/node-initialize.yaml",
    *(f"pod/fast/pod-{n}.yaml" for n in ("ready", "delete")),
)


class ControlPlane:
    """The processes, in a folder of their own.

    Args:
        folder: for data, keys and logs.
        options: of the API server: who may do what.
        controllers: which ones run.
    """

    def __init__(
        self,
        folder: Path,
        *,
        options: Sequence[str] = PERMISSIVE,
        controllers: Sequence[str] = CONTROLLERS,
    ) -> None:
        self.folder = folder
        self._options = tuple(options)
        self._controllers = tuple(controllers)
        self.port = free_port()
        self.kubeconfig = folder / "kubeconfig"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._logs: list[IO[bytes]] = []

    @property
    def client(self) -> Client:
        """A client with all rights."""
        return Client(f"https://127.0.0.1:{self.port}", TOKEN)

    def start(self, progress: Progress) -> None:
        """Start everything but kwok, and wait until it answers."""
        go = gobuild.toolchain(Store(artifacts_dir()), progress=progress)
        kubernetes = gobuild.ensure(gobuild.KUBERNETES, go=go, progress=progress)
        etcd = gobuild.ensure(gobuild.ETCD, go=go, progress=progress) / "etcd"
        self._write_credentials()
        store = self._start_etcd(etcd)
        self._start_api_server(kubernetes / "kube-apiserver", store)
        self.client.wait_until_up()
        names = ",".join(f"{name}-controller" for name in self._controllers)
        config = f"--kubeconfig={self.kubeconfig}"
        off = ("--leader-elect=false", "--secure-port=0")
        manager = kubernetes / "kube-controller-manager"
        self.run("manager", manager, config, f"--controllers={names}", *off, *QUICK)

    def start_nodes(self, number: int, progress: Progress) -> None:
        """Make nodes, kwok, which plays their kubelets, and what brings pods to them."""
        go = gobuild.toolchain(Store(artifacts_dir()), progress=progress)
        kubernetes = gobuild.ensure(gobuild.KUBERNETES, go=go, progress=progress)
        config, off = f"--kubeconfig={self.kubeconfig}", ("--leader-elect=false", "--secure-port=0")
        self.run("scheduler", kubernetes / "kube-scheduler", config, *off, *QUICK)
        kwok = gobuild.ensure(gobuild.KWOK, go=go, progress=progress) / "kwok"
        stages = gobuild.module_dir(gobuild.KWOK, go=go) / "kustomize" / "stage"
        stages_file = self.folder / "kwok.yaml"
        stages_file.write_text("---\n".join((stages / name).read_text() for name in STAGES))
        self.run(
            "kwok",
            kwok,
            config,
            f"--config={stages_file}",
            f"--manage-nodes-with-annotation-selector={NODE_LABEL}=fake",
            "--node-lease-duration-seconds=0",
        )
        for n in range(number):
            self.client.create("/api/v1/nodes", _node(f"fake-{n}"))

    def run(self, name: str, *command: object, env: Mapping[str, str] | None = None) -> int:
        """Start a process that ends with the control plane; returns its id."""
        log = (self.folder / f"{name}.log").open("wb")
        self._logs.append(log)
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env={**os.environ, **(env or {})},
        )
        self._processes.append(process)
        return process.pid

    def stop(self) -> None:
        """End every process, the one that was started last first."""
        for process in reversed(self._processes):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
        for log in self._logs:
            log.close()

    def _write_credentials(self) -> None:
        key = self.folder / "sa.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        subprocess.run(
            ["openssl", "rsa", "-in", key, "-pubout", "-out", self.folder / "sa.pub"],
            check=True,
            capture_output=True,
        )
        (self.folder / "tokens.csv").write_text(f"{TOKEN},bench,1,system:masters\n")
        named = {"name": "bench"}
        server = {"server": f"https://127.0.0.1:{self.port}", "insecure-skip-tls-verify": True}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{**named, "cluster": server}],
            "users": [{**named, "user": {"token": TOKEN}}],
            "contexts": [{**named, "context": {"cluster": "bench", "user": "bench"}}],
            "current-context": "bench",
        }
        self.kubeconfig.write_text(json.dumps(config))

    def _start_etcd(self, binary: Path) -> str:
        url, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.run(
            "etcd",
            binary,
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
            "--quota-backend-bytes=8589934592",
        )
        return url

    def _start_api_server(self, binary: Path, store: str) -> None:
        self.run(
            "apiserver",
            binary,
            f"--etcd-servers={store}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder / 'certs'}",
            "--service-cluster-ip-range=10.96.0.0/12",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder / 'sa.pub'}",
            f"--service-account-signing-key-file={self.folder / 'sa.key'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            *self._options,
        )


def free_port() -> int:
    """A port that nobody listens on."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def control_plane(folder: Path, nodes: int, progress: Progress) -> Iterator[ControlPlane]:
    """A control plane with fake nodes, for as long as the context lasts."""
    plane = ControlPlane(folder)
    try:
        with progress.step("start etcd, API server, controllers and scheduler", expected=20):
            plane.start(progress)
        with progress.step(f"make {nodes} nodes", expected=10):
            plane.start_nodes(nodes, progress)
        yield plane
    finally:
        plane.stop()
        time.sleep(1)


def _node(name: str) -> dict[str, object]:
    room = {"cpu": "1000", "memory": "4Ti", "pods": "2000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": {NODE_LABEL: "fake"}},
        "status": {"allocatable": room, "capacity": room},
    }
