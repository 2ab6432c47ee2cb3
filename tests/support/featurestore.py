"""A feature store in a namespace: the sample's own server, over snapshots made here."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
from tests.support.reading import Json
from tests.support.story import PATIENCE

from diabetes_model import contract, snapshots
from diabetes_model import release as releases
from diabetes_model.drift.shifting import shifted
from lab import kubectl, models

NAME = "feature-store"
PORT = 8080
TRAINING = f"{models.REPOSITORY}-training"
HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def snapshots_of(directory: Path, release: str) -> dict[str, bytes]:
    """The snapshot a release was trained on, `like.parquet` and `drifted.parquet` of traffic."""
    chosen = releases.read(models.RELEASES / f"{release}.toml")
    trained = directory / f"{chosen.recipe.id}.parquet"
    snapshots.create(chosen.recipe, trained, sha256=chosen.sha256)
    rows = pq.read_table(trained).select(list(contract.NAMES)).to_pylist() * 2
    for name, traffic in {"like": rows, "drifted": shifted(rows, {"bmi": 12})}.items():
        lines = map(json.dumps, traffic)
        snapshots.create_from_rows(lines, name, directory / f"{name}.parquet")
    return {path.name: path.read_bytes() for path in directory.glob("*.parquet")}


def serve(namespace: str, tag: str, files: Mapping[str, bytes]) -> str:
    """Serve files in a namespace; the address they are under, once the store answers."""
    metadata = {"name": NAME, "namespace": namespace, "labels": {"app": NAME}}
    content = {name: base64.b64encode(data).decode() for name, data in files.items()}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": content},
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _pod(tag)},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": {"app": NAME}, "ports": [{"port": PORT}]},
        },
    )
    ready = ("wait", f"pod/{NAME}", "--for=condition=Ready", "--timeout=10s")
    kubectl.wait_until(
        lambda: kubectl.kubectl("-n", namespace, *ready),
        timeout=PATIENCE,
        what=f"{namespace}: the feature store",
    )
    return f"http://{NAME}.{namespace}.svc:{PORT}"


def _pod(tag: str) -> Json:
    return {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": NAME,
                "image": f"{TRAINING}:{tag}",
                "args": ["feature-store", "--directory", "/snapshots", "--port", str(PORT)],
                "readinessProbe": {
                    "httpGet": {"path": "/index.json", "port": PORT},
                    "periodSeconds": 1,
                },
                "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
                "securityContext": HARDENED,
                "volumeMounts": [{"name": "snapshots", "mountPath": "/snapshots"}],
            }
        ],
        "volumes": [{"name": "snapshots", "configMap": {"name": NAME}}],
    }
