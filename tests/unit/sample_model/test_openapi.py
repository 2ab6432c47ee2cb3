"""The OpenAPI description is what the server does, and its page needs no other host."""

import re

import jsonschema
import pytest
from starlette.testclient import TestClient

from diabetes_model import contract
from diabetes_model.manifest import Manifest
from diabetes_model.server.app import create_app
from diabetes_model.server.settings import Settings

GAP = dict(zip(contract.NAMES, [59, 2, 32.1, None, 157, 93.2, 38, 4, 4.86, 87], strict=True))
TENSOR = {"name": "features", "shape": [1, 10], "datatype": "FP64", "data": list(GAP.values())}
PLAIN, TENSORS = {"rows": [GAP]}, {"inputs": [TENSOR]}
MODEL = "/v2/models/{model}"


def client(directory, **environment):
    settings = Settings.read({"MODEL_DIRECTORY": str(directory), **environment})
    return TestClient(create_app(settings))


@pytest.fixture(scope="module")
def server(good):
    return client(good, RECENT_ROWS="3")


@pytest.fixture(scope="module")
def document(server):
    return server.get("/openapi.json").json()


def validate(document, schema, value):
    jsonschema.Draft202012Validator(schema | {"components": document["components"]}).validate(value)


def response(document, path, method, answer):
    return document["paths"][path][method]["responses"][str(answer.status_code)]


def check(document, path, method, answer):
    told = response(document, path, method, answer)
    validate(document, told["content"]["application/json"]["schema"], answer.json())


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_every_reference_is_resolved(document):
    found = set(references(document))
    assert "#/components/schemas/Patient" in found
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert found <= names


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", PLAIN),
        ("/explain", PLAIN),
        (f"{MODEL}/infer", TENSORS),
        (f"{MODEL}/explain", TENSORS),
    ],
)
def test_answers_and_refusals_are_as_described(document, server, bad, path, body):
    place = path.format(model="diabetes-risk")
    wrong = {"rows": [GAP | {"bmi": 1000}]}, {"inputs": [TENSOR | {"data": [1000] * 10}]}
    described = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    validate(document, described["schema"], body)
    answers = [
        server.post(place, json=body),
        server.post(place, json=wrong[body is TENSORS]),
        server.post(place, content=b" " * 3_000_000),
        client(bad).post(place, json=body),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 413, 500]
    for answer in answers:
        check(document, path, "post", answer)


@pytest.mark.parametrize("path", ["/manifest", "/recent", "/v2", MODEL])
def test_facts_are_as_described(document, server, path):
    check(document, path, "get", server.get(path.format(model="diabetes-risk")))


def test_the_body_is_described_by_the_data_contract(document):
    patient = document["components"]["schemas"]["Patient"]
    assert patient["additionalProperties"] is False
    assert patient["required"] == [f.name for f in contract.FIELDS if not f.optional]
    bmi = patient["properties"]["bmi"]
    assert (bmi["minimum"], bmi["maximum"]) == (10, 80)
    assert bmi["description"] == "Body mass index [kg/m2]"


def test_the_examples_are_answered(document, server):
    for name, path in (
        ("Batch", "/predict"),
        ("InferenceRequest", "/v2/models/diabetes-risk/infer"),
    ):
        example = document["components"]["schemas"][name]["example"]
        assert server.post(path, json=example).status_code == 200


def test_the_page_tells_every_route_and_loads_nothing(document, server):
    page = server.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in document["paths"]:
        assert path in page.text
    assert "Body mass index [kg/m2]" in page.text
    assert not re.search(r"<script|<link|src=|https?://(?!HOST)", page.text)


def test_golden_requests_fit_the_description(document, good):
    for golden in Manifest.read(good).golden:
        body = {"rows": [dict(row) for row in golden.request.rows]}
        validate(document, {"$ref": "#/components/schemas/Batch"}, body)
