"""Prometheus in the cluster."""

import time
import urllib.error
import urllib.request

from localcluster import images, loading, shell
from localcluster.cache import Store, digest
from localcluster.cluster import kubectl
from localcluster.errors import SetupError
from localcluster.names import PROMETHEUS_URL
from localcluster.paths import KIND_DIR
from localcluster.progress import Progress

ROLLOUT_SECONDS = 120
IMAGE_MARK = "IMAGE_OF_PROMETHEUS"
RECIPE_MARK = "DIGEST_OF_THIS_FILE"


def render(manifest: str, *, image: str) -> str:
    """Fill in the image, and a digest that restarts the pod when anything changes."""
    return manifest.replace(IMAGE_MARK, image).replace(RECIPE_MARK, digest(manifest, image))


def ensure(*, store: Store, progress: Progress) -> None:
    """End with the Prometheus of the manifest answering on this machine's loopback."""
    image = images.prometheus(store=store, progress=progress)
    manifest = (KIND_DIR / "manifests" / "prometheus.yaml").read_text(encoding="utf-8")
    text = render(manifest, image=image)
    if _is_current(digest(manifest, image)) and _answers():
        return
    loading.load([image], progress=progress)
    with progress.step("deploying Prometheus", expected=8):
        shell.run(kubectl("apply", "-f", "-"), log="kubectl", text=text)
        rollout = kubectl("-n", "monitoring", "rollout", "status", "deployment/prometheus")
        shell.run([*rollout, f"--timeout={ROLLOUT_SECONDS}s"], log="kubectl")
        _wait_until_it_answers()


def _is_current(recipe: str) -> bool:
    path = '{.spec.template.metadata.annotations.davylamp\\.dev/recipe}{"/"}{.spec.replicas}'
    get = kubectl("-n", "monitoring", "get", "deployment", "prometheus", "-o", f"jsonpath={path}")
    return shell.output(get) == f"{recipe}/1"


def _wait_until_it_answers() -> None:
    deadline = time.monotonic() + ROLLOUT_SECONDS
    while not _answers():
        if time.monotonic() > deadline:
            raise SetupError(f"Prometheus does not answer on {PROMETHEUS_URL}")
        time.sleep(0.3)


def _answers() -> bool:
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with no_proxy.open(f"{PROMETHEUS_URL}/-/ready", timeout=3) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
