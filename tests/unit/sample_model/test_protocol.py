"""The Open Inference Protocol: what it answers, what it refuses, and in which words."""

import pytest
from starlette.testclient import TestClient

from diabetes_model import contract
from diabetes_model.manifest import Manifest
from diabetes_model.server.app import create_app
from diabetes_model.server.settings import Settings

VALUES = [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]
ROW = dict(zip(contract.NAMES, VALUES, strict=True))
INFER = "/v2/models/risk/infer"


@pytest.fixture(scope="module")
def server(good):
    environment = {"DAVYLAMP_REVISION": "4be2c0ffee", "DAVYLAMP_MODEL": "risk"}
    return TestClient(create_app(Settings.read({"MODEL_DIRECTORY": str(good), **environment})))


def tensor(**changes):
    return {"name": "features", "shape": [1, 10], "datatype": "FP64", "data": VALUES} | changes


def named(**changes):
    """One tensor per feature; None leaves it out."""
    tensors = {
        name: {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in ROW.items()
    }
    return [one for one in (tensors | changes).values() if one is not None]


def infer(server, *inputs, path=INFER, **more):
    return server.post(path, json={"inputs": list(inputs), **more})


def predicted(server, *rows):
    return server.post("/predict", json={"rows": rows}).json()["predictions"]


def test_an_answer_has_the_form_of_the_protocol(server):
    [prediction] = predicted(server, ROW)
    assert infer(server, tensor(), id="42").json() == {
        "model_name": "risk",
        "model_version": "4be2c0ffee",
        "id": "42",
        "parameters": {"tag": "v1-test"},
        "outputs": [
            {"name": "predictions", "shape": [1], "datatype": "FP64", "data": [prediction]}
        ],
    }


@pytest.mark.parametrize(
    "inputs",
    [
        [tensor(data=[VALUES, VALUES], shape=[2, 10])],
        [tensor(data=VALUES * 2, shape=[2, 10])],
        [{"name": n, "shape": [2], "datatype": "FP64", "data": [v, v]} for n, v in ROW.items()],
        [
            {"name": n, "shape": [2, 1], "datatype": "FP64", "data": [[v], [v]]}
            for n, v in reversed(ROW.items())
        ],
    ],
    ids=["nested", "flat", "named", "named columns in another order"],
)
def test_nested_flat_and_named_tensors_are_the_same_rows(server, inputs):
    answer = infer(server, *inputs).json()
    assert answer["outputs"][0]["data"] == predicted(server, ROW, ROW)
    assert answer["outputs"][0]["shape"] == [2]


def test_a_missing_measurement_is_null_or_an_input_that_is_left_out(server):
    want = predicted(server, ROW | {"bp": None})
    gap = [None if name == "bp" else value for name, value in ROW.items()]
    assert infer(server, tensor(data=gap)).json()["outputs"][0]["data"] == want
    assert infer(server, *named(bp=None)).json()["outputs"][0]["data"] == want


def test_other_number_types_are_taken_at_what_they_hold(server):
    integers = [int(value) for value in VALUES]
    want = predicted(server, dict(zip(contract.NAMES, integers, strict=True)))
    for datatype in ("INT16", "INT64", "UINT8", "FP32"):
        answer = infer(server, tensor(datatype=datatype, data=integers))
        assert answer.json()["outputs"][0]["data"] == want
    rounded = infer(server, tensor(datatype="FP32")).json()["outputs"][0]["data"]
    assert rounded == pytest.approx(predicted(server, ROW), rel=1e-6)
    assert rounded != predicted(server, ROW)


def test_explain_answers_tensors_that_add_up(server):
    two = tensor(data=VALUES * 2, shape=[2, 10])
    answer = infer(server, two, path="/v2/models/risk/versions/4be2c0ffee/explain").json()
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert outputs["contributions"]["shape"] == [2, 10]
    predictions, baselines = outputs["predictions"]["data"], outputs["baselines"]["data"]
    for row, (prediction, baseline) in enumerate(zip(predictions, baselines, strict=True)):
        contributions = outputs["contributions"]["data"][row * 10 : row * 10 + 10]
        assert baseline + sum(contributions) == pytest.approx(prediction, abs=1e-9)
    [explanation] = server.post("/explain", json={"rows": [ROW]}).json()["explanations"]
    assert list(explanation["contributions"].values()) == outputs["contributions"]["data"][:10]


def test_only_the_outputs_that_are_asked_for_are_answered(server):
    asked = [{"name": "contributions"}, {"name": "predictions"}]
    answer = infer(server, tensor(), path="/v2/models/risk/explain", outputs=asked)
    assert [output["name"] for output in answer.json()["outputs"]] == [
        "contributions",
        "predictions",
    ]
    refused = infer(server, tensor(), outputs=asked)
    assert refused.status_code == 400
    assert refused.json() == {"error": "outputs: contributions is none of predictions"}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([tensor(shape=[10])], "features.shape: is [10], has to be [n, 10]"),
        ([tensor(shape=[2, 10])], "features.data: is not of shape [2, 10]"),
        ([tensor(shape=[2, 5])], "features.shape: is [2, 5], has to be [n, 10]"),
        ([tensor(data=[VALUES, VALUES[:9]], shape=[2, 10])], "features.data: is not of shape"),
        ([tensor(shape=[0, 10], data=[])], "inputs: 0 rows, there may be 1 to 1000"),
        ([tensor(shape=[1001, 10], data=VALUES * 1001)], "inputs: 1001 rows"),
        ([tensor(shape=[-1, 10])], "inputs.0.shape.0: "),
        ([tensor(datatype="BYTES")], "features.datatype: is BYTES, not FP64, FP32, INT8"),
        ([tensor(datatype="INT64")], "features.data: holds a number that is no INT64"),
        ([tensor(datatype="UINT8", data=[300] * 10)], "holds a number that is no UINT8"),
        ([tensor(data=[*VALUES[:9], "87"])], "holds something else than numbers and null"),
        ([tensor(data=[*VALUES[:9], True])], "holds something else than numbers and null"),
        ([tensor(data=[*VALUES[:9], 10**400])], "a number is not finite in FP64"),
        ([tensor(data=[*VALUES[:9], 1e300], datatype="FP32")], "a number is not finite in FP32"),
        (named(bmi=None, s5=None), "inputs: without bmi, s5"),
        (named(more={**tensor(), "name": "weight"}), "weight: is no feature"),
        ([*named(s6=None), named()[0]], "age: is there twice"),
        (named(age=tensor(name="age")), "age.shape: is [1, 10], has to be [n] or [n, 1]"),
        (named(age=tensor(name="age", shape=[2], data=[1, 2])), "of different lengths, [1, 2]"),
        ([tensor(), tensor()], "features: is no feature"),
        ([{"name": "features", "shape": [1, 10], "datatype": "FP64"}], "inputs.0.data: "),
        ([], "inputs: "),
    ],
)
def test_what_are_no_such_tensors_is_a_400_that_says_where(server, inputs, said):
    answer = infer(server, *inputs)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert said in answer.json()["error"]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_is_refused(server, literal):
    content = (
        f'{{"inputs": [{{"name": "age", "shape": [1], "datatype": "FP64", "data": [{literal}]}}]}}'
    )
    answer = server.post(INFER, content=content)
    assert answer.status_code == 400
    assert "not finite" in answer.json()["error"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bmi": 1000}, "rows.1.bmi: 1000 is not within 10..80 kg/m2"),
        ({"age": None}, "rows.1.age: is missing, and may not be"),
        ({"s1": 1e9, "s6": 0}, "rows.1.s1: 1e+09 is not within 30..700 mg/dl (and 1 more)"),
    ],
)
def test_what_breaks_the_data_contract_is_a_422_that_names_the_field(server, changes, said):
    data = [VALUES, list((ROW | changes).values())]
    answer = infer(server, tensor(data=data, shape=[2, 10]))
    assert answer.status_code == 422
    assert answer.json() == {"error": said}


@pytest.mark.parametrize("place", ["", "/ready", "/infer", "/explain"])
def test_another_model_or_version_is_a_404_that_says_which_there_is(server, place):
    ask = server.get if place in ("", "/ready") else lambda path: infer(server, path=path)
    wrong = ask(f"/v2/models/other{place}")
    assert wrong.status_code == 404
    assert wrong.json() == {"error": "no model other here, only risk"}
    wrong = ask(f"/v2/models/risk/versions/1{place}")
    assert wrong.status_code == 404
    assert wrong.json() == {"error": "no version 1 of risk here, only 4be2c0ffee"}


def test_metadata_says_what_a_client_needs(server):
    assert server.get("/v2").json() == {
        "name": "diabetes-model",
        "version": "v1-test",
        "extensions": ["explain"],
    }
    metadata = server.get("/v2/models/risk").json()
    assert metadata == server.get("/v2/models/risk/versions/4be2c0ffee").json()
    assert metadata["versions"] == ["4be2c0ffee"]
    assert metadata["inputs"] == [{"name": "features", "datatype": "FP64", "shape": [-1, 10]}]
    assert metadata["outputs"] == [{"name": "predictions", "datatype": "FP64", "shape": [-1]}]
    assert metadata["parameters"]["columns"] == list(contract.NAMES)


def test_the_name_in_the_manifest_is_a_name_of_the_model_too(server, good):
    name = Manifest.read(good).model
    assert name != "risk"
    assert server.get(f"/v2/models/{name}").json()["name"] == name


def test_health_and_readiness_follow_those_of_the_server(good):
    unready = {"MODEL_DIRECTORY": str(good), "FAULT_NEVER_READY": "1"}
    for environment, code in (({}, 200), (unready, 503)):
        settings = Settings.read({"MODEL_DIRECTORY": str(good), **environment})
        asked = TestClient(create_app(settings))
        assert asked.get("/v2/health/live").json() == {"live": True}
        assert asked.get("/v2/health/ready").status_code == code
        model = asked.get("/v2/models/diabetes-risk/ready")
        assert model.status_code == code
        assert model.json() == {"name": "diabetes-risk", "ready": code == 200}


def test_a_model_without_an_answer_is_a_500_in_the_form_of_the_protocol(bad):
    server = TestClient(create_app(Settings.read({"MODEL_DIRECTORY": str(bad)})))
    gap = [None if name == "bp" else value for name, value in ROW.items()]
    for verb in ("infer", "explain"):
        answer = infer(server, tensor(data=gap), path=f"/v2/models/diabetes-risk/{verb}")
        assert answer.status_code == 500
        assert "for row 0, which lacks bp" in answer.json()["error"]


def test_its_answers_are_counted_as_those_of_the_plain_routes(good):
    server = TestClient(create_app(Settings.read({"MODEL_DIRECTORY": str(good)})))
    infer(server, tensor(), path="/v2/models/diabetes-risk/infer")
    infer(server, tensor(), path="/v2/models/diabetes-risk/versions/local/infer")
    infer(server, tensor(), path="/v2/models/diabetes-risk/explain")
    infer(server, tensor(data=[1]), path="/v2/models/diabetes-risk/explain")
    infer(server, tensor(), path="/v2/models/other/infer")
    counted = [
        line.rpartition(" ")
        for line in server.get("/metrics").text.splitlines()
        if line.startswith("model_requests_total")
    ]
    seen = {labels: float(number) for labels, _, number in counted if float(number)}
    labels = 'model_requests_total{{code="{}",model="diabetes-risk",revision="local",route="{}"}}'
    assert seen == {
        labels.format(200, "predict"): 2,
        labels.format(200, "explain"): 1,
        labels.format(400, "explain"): 1,
    }
