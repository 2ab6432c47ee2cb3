"""Images that exist by pulling where that works, and by building where it does not."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from localcluster import debian, engine, gobuild, registry, shell, strategy
from localcluster.cache import Store
from localcluster.host import Host
from localcluster.paths import artifacts_dir
from localcluster.progress import Progress
from localcluster.versions import OFFICIAL_PYTHON_IMAGE, prometheus_release

LOCAL_PYTHON_IMAGE = "davylamp/python-base:local"
KEY_LABEL = "davylamp.dev/recipe"
CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")

SINGLE_BINARY_DOCKERFILE = """\
ARG BASE
FROM ${{BASE}}
COPY {binary} /usr/local/bin/
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENTRYPOINT ["/usr/local/bin/{binary}"]
"""


def build_single_binary(image: str, binary: Path, *, base: str = "scratch") -> None:
    """Build an image that holds one program, which is its entry point."""
    with TemporaryDirectory() as context:
        link_or_copy(binary, Path(context) / binary.name)
        text = SINGLE_BINARY_DOCKERFILE.format(binary=binary.name)
        if base == "scratch":  # not an image: it cannot come from an argument
            text = text.replace("ARG BASE\nFROM ${BASE}", "FROM scratch")
        (Path(context) / "Dockerfile").write_text(text, encoding="utf-8")
        docker_build(image, Path(context), arguments={"BASE": base} if base != "scratch" else {})


def docker_build(image: str, context: Path, *, arguments: Mapping[str, str]) -> None:
    """``docker build``, with whichever builder this client has."""
    options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    command = ["docker", "build", "--tag", image, *options, str(context)]
    shell.run(command, log="docker-build", env=engine.build_env())


def import_root(image: str, tarball: Path, *, changes: Iterable[str] = ()) -> None:
    """Make an image of a root file system."""
    options = [f"--change={change}" for change in changes]
    shell.run(["docker", "import", *options, str(tarball), image], log="docker-build")


def label_of(image: str) -> str:
    """The recipe that a local image was made from; empty where there is none."""
    template = f'{{{{index .Config.Labels "{KEY_LABEL}"}}}}'
    label = shell.output(["docker", "image", "inspect", "--format", template, image])
    return (label or "").strip()


def python_base(host: Host, *, progress: Progress) -> str:
    """Name of a Python image to build ours from.

    Raises:
        SetupError: the official one cannot be pulled and a local one not be made.
    """
    root = debian.python_root()
    if registry.has_image(OFFICIAL_PYTHON_IMAGE):
        return OFFICIAL_PYTHON_IMAGE
    if label_of(LOCAL_PYTHON_IMAGE) == root.artifact.key:
        return LOCAL_PYTHON_IMAGE
    if registry.pull(OFFICIAL_PYTHON_IMAGE, progress=progress):
        return OFFICIAL_PYTHON_IMAGE
    strategy.require_builder(host, what=OFFICIAL_PYTHON_IMAGE)
    debian.need("mmdebstrap", "mmdebstrap", host=host, progress=progress)
    store = Store(artifacts_dir())
    progress.plan(sum(artifact.expected for artifact in store.missing([root.artifact])))
    folder = store.ensure(root.artifact, root.build, progress=progress)
    trusts = [f"ENV {name}={debian.CA_BUNDLE}" for name in CA_VARIABLES]
    label = f"LABEL {KEY_LABEL}={root.artifact.key}"
    import_root(
        LOCAL_PYTHON_IMAGE, folder / "root.tar", changes=[*trusts, label, 'CMD ["python3"]']
    )
    return LOCAL_PYTHON_IMAGE


def prometheus(*, store: Store, progress: Progress) -> str:
    """Name of a Prometheus image with Kubernetes discovery."""
    release = prometheus_release(gobuild.PROMETHEUS.version)
    official = f"prom/prometheus:{release}"
    local = f"davylamp/prometheus:{release}"
    for image in (official, local):
        if registry.has_image(image):
            return image
    if registry.pull(official, progress=progress):
        return official
    go = gobuild.toolchain(store, progress=progress)
    folder = gobuild.ensure(gobuild.PROMETHEUS, go=go, progress=progress)
    build_single_binary(local, folder / "prometheus")
    return local


def link_or_copy(source: Path, target: Path) -> None:
    """Put a large file into a build context without copying it where that is possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
