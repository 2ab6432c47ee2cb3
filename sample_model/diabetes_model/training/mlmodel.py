"""An MLflow ``MLmodel`` file beside the artefact, for tools that speak that format.

Written by hand: the format is a small YAML file, MLflow itself is not needed to make it.
https://mlflow.org/docs/latest/ml/model/
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from diabetes_model import contract, export, model
from diabetes_model.manifest import FILE_NAME as MANIFEST_FILE
from diabetes_model.manifest import Manifest

FILE_NAME = "MLmodel"
REQUIREMENTS_FILE = "requirements.txt"
NEEDED = ("numpy", "onnx", "onnxruntime")


def write(manifest: Manifest, directory: Path) -> None:
    """Writes ``MLmodel`` and the requirements that it goes with."""
    (directory / FILE_NAME).write_text("".join(f"{line}\n" for line in _yaml(document(manifest))))
    pins = (f"{name}=={manifest.libraries[name]}\n" for name in NEEDED)
    (directory / REQUIREMENTS_FILE).write_text("".join(pins))


def document(manifest: Manifest) -> dict[str, Any]:
    """The content of the file; the id follows from the graph, so that equal models are equal."""
    return {
        "flavors": {
            "onnx": {
                "data": model.MODEL_FILE,
                "onnx_version": manifest.libraries["onnx"],
                "providers": ["CPUExecutionProvider"],
            },
            "python_function": {"loader_module": "mlflow.onnx", "data": model.MODEL_FILE},
        },
        "metadata": {
            "manifest": MANIFEST_FILE,
            "tag": manifest.image.tag,
            "commit": manifest.image.commit,
            "feature_snapshot": manifest.feature_snapshot.id,
            "feature_snapshot_sha256": manifest.feature_snapshot.sha256,
            "seed": manifest.seed,
            "columns": contract.text(contract.Kind.TRAFFIC),
        },
        "model_uuid": manifest.artefacts[model.MODEL_FILE][:32],
        "signature": {
            "inputs": json.dumps([_tensor(export.FEATURES, [-1, len(contract.NAMES)])]),
            "outputs": json.dumps(
                [
                    _tensor(export.PREDICTION, [-1]),
                    _tensor(export.CONTRIBUTIONS, [-1, len(contract.NAMES)]),
                ]
            ),
        },
    }


def _tensor(name: str, shape: list[int]) -> dict[str, Any]:
    return {
        "name": name,
        "type": "tensor",
        "tensor-spec": {"dtype": "float64", "shape": shape},
    }


def _yaml(value: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Mappings as blocks; every other value as JSON, which YAML is a superset of."""
    for key, item in value.items():
        if isinstance(item, dict):
            yield f"{indent}{key}:"
            yield from _yaml(item, f"{indent}  ")
        else:
            yield f"{indent}{key}: {json.dumps(item)}"
