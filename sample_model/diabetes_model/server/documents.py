"""What the routes take and answer, for the OpenAPI description; the routes build plain dicts."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from diabetes_model.manifest import FORMAT
from diabetes_model.server.requests import Batch
from diabetes_model.server.tensors import InferenceRequest

TEMPLATE = "#/components/schemas/{model}"
BODIES: tuple[type[BaseModel], ...] = (Batch, InferenceRequest)


class Answered(BaseModel):
    """Who answered."""

    revision: str
    tag: str


class Predictions(Answered):
    """One number per row, in their order."""

    predictions: list[float]


class Explanation(BaseModel):
    """``prediction = baseline + sum(contributions)``."""

    prediction: float
    baseline: float
    contributions: dict[str, float]


class Explanations(Answered):
    """One explanation per row, in their order."""

    explanations: list[Explanation]


class Problem(BaseModel):
    """Why there is no answer, in one line."""

    error: str


class Detail(BaseModel):
    """One thing that is wrong, and where: ``["body", "rows", 0, "bmi"]``."""

    type: str
    loc: list[str | int]
    msg: str


class Problems(Problem):
    """``error`` is the first problem in one line, ``detail`` lists them (20 at most)."""

    detail: list[Detail]


class OutputTensor(BaseModel):
    """A tensor, row by row."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class InferenceAnswer(BaseModel):
    """The answer of ``infer`` and ``explain``; ``model_version`` is the revision."""

    model_name: str
    model_version: str
    id: str | None = None
    parameters: dict[str, str]
    outputs: list[OutputTensor]


class ServerMetadata(BaseModel):
    """``extensions`` are paths beside ``infer``."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """``-1`` in a shape is any number."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """``parameters.columns`` are the features in the order of the input's columns."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: dict[str, Any]


def accepts(body: type[BaseModel]) -> dict[str, Any]:
    """The description of a route that reads its body itself."""
    schema = {"$ref": TEMPLATE.format(model=body.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def describe_bodies(app: FastAPI) -> None:
    """Adds the schemas of the bodies to the application's OpenAPI description."""
    _, schemas = models_json_schema(
        [(body, "validation") for body in BODIES], ref_template=TEMPLATE
    )
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        document.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"])
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _json(schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


MANIFEST = _json(
    {"type": "object", "properties": {"format": {"const": FORMAT}}, "required": ["format"]},
    "manifest.json of this image; its schema is published beside the sample model",
)
RECENT = _json(
    {"type": "object", "properties": {"rows": {"type": "array"}}, "required": ["rows"]},
    "rows of measurements, null where one is missing",
)
