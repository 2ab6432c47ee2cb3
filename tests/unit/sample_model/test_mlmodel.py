import json

import onnxruntime
import yaml

from diabetes_model.manifest import Manifest


def test_the_mlmodel_file_describes_the_graph_that_is_there(good):
    document = yaml.safe_load((good / "MLmodel").read_text())
    session = onnxruntime.InferenceSession(
        (good / document["flavors"]["onnx"]["data"]).read_bytes()
    )
    assert document["flavors"]["python_function"]["loader_module"] == "mlflow.onnx"
    for key, nodes in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
        tensors = json.loads(document["signature"][key])
        assert [tensor["name"] for tensor in tensors] == [node.name for node in nodes]
        shapes = [[-1 if isinstance(n, str) else n for n in node.shape] for node in nodes]
        assert [tensor["tensor-spec"]["shape"] for tensor in tensors] == shapes
        assert {tensor["tensor-spec"]["dtype"] for tensor in tensors} == {"float64"}
        assert {node.type for node in nodes} == {"tensor(double)"}


def test_the_mlmodel_file_says_where_the_model_is_from(good):
    document = yaml.safe_load((good / "MLmodel").read_text())
    manifest = Manifest.read(good)
    assert document["model_uuid"] == manifest.artefacts["model.onnx"][:32]
    assert document["metadata"]["feature_snapshot_sha256"] == manifest.feature_snapshot.sha256
    assert document["metadata"]["seed"] == 42
    columns = json.loads(document["metadata"]["columns"])["columns"]
    assert columns[2]["name"] == "bmi"
    assert columns[2]["unit"] == "kg/m2"


def test_the_requirements_are_the_versions_that_trained(good):
    pins = dict(line.split("==") for line in (good / "requirements.txt").read_text().splitlines())
    assert list(pins) == ["numpy", "onnx", "onnxruntime"]
    assert pins.items() <= dict(Manifest.read(good).libraries).items()
