"""The project itself on the local cluster: its images built and loaded, the operator installed."""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from localcluster import images, loading, registry, shell
from localcluster.host import Host
from localcluster.names import CONTEXT
from localcluster.paths import KIND_DIR
from localcluster.progress import Progress

ROOT = KIND_DIR.parent
OPERATOR_IMAGE = "davylamp/operator"
SAMPLE_IMAGE = "davylamp/diabetes-risk"
TRAINING_IMAGE = f"{SAMPLE_IMAGE}-training"
# Releases whose nightly job runs on the cluster; the others' training images stay with the engine.
TRAINING_RELEASES = ("v1", "v3")
NAMESPACE = "davylamp-system"
SOURCES = ("Dockerfile", "requirements/uv.txt", "pyproject.toml", "uv.lock", "operator/**/*.py")


def operator_tag() -> str:
    """A tag that names the operator's content, so that a changed operator is a changed image."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def install(facts: Host, *, progress: Progress) -> dict[str, str]:
    """Build and load all images and install the operator; the sample model's tags by release."""
    base = images.python_base(facts, progress=progress)
    tag = operator_tag()
    operator = f"{OPERATOR_IMAGE}:{tag}"
    if registry.image_id(operator) is None:
        with progress.step("building the operator's image", expected=60):
            images.docker_build(operator, ROOT, arguments={"BASE_IMAGE": base})
    with progress.step("building the sample model's images", expected=150):
        tags = _sample_tags(base)
    loading.load([operator, *sample_images(tags)], progress=progress)
    with progress.step("installing the operator", expected=15):
        shell.run(_helm(tag), log="helm")
    return tags


def sample_images(tags: Mapping[str, str]) -> list[str]:
    """The images of the sample model that the cluster needs, from its tags by release."""
    serving = [f"{SAMPLE_IMAGE}:{tag}" for tag in tags.values()]
    training = [f"{TRAINING_IMAGE}:{tags[release]}" for release in TRAINING_RELEASES]
    return [*serving, *training]


def _sample_tags(base: str) -> dict[str, str]:
    """Builds; the tags are those that were built, also where a file changes in the meantime."""
    with TemporaryDirectory() as folder:
        tags_file = Path(folder) / "tags"
        command = [sys.executable, "sample_model/build.py", "--base-image", base]
        shell.run([*command, "--tags", str(tags_file)], log="sample-images", cwd=ROOT)
        pairs = (line.partition("=") for line in tags_file.read_text(encoding="utf-8").split())
        return {release: tag for release, _, tag in pairs}


def _helm(tag: str) -> list[str]:
    values = {
        "image.repository": OPERATOR_IMAGE,
        "image.tag": tag,
        "prometheus.url": "http://prometheus.monitoring.svc:9090",
        "gates.userQueries.enabled": "true",  # nobody shares this Prometheus
        "modelImages.digests": "Off",  # images are loaded into the node: no registry has them
    }
    settings = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    return [
        *("helm", "upgrade", "--install", "davylamp", str(ROOT / "charts/davylamp")),
        *("--kube-context", CONTEXT, "--namespace", NAMESPACE, "--create-namespace"),
        *("--wait", "--timeout", "3m"),
        *settings,
    ]
