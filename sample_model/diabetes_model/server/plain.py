"""The plain routes, for people: ``/predict``, ``/explain``, ``/manifest``, ``/recent``."""

from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from diabetes_model import contract
from diabetes_model.server import recent
from diabetes_model.server.answering import answer, as_json
from diabetes_model.server.documents import (
    MANIFEST,
    RECENT,
    Explanations,
    Predictions,
    Problem,
    Problems,
    accepts,
)
from diabetes_model.server.requests import Batch, features_of
from diabetes_model.server.service import Service

REFUSALS: dict[int | str, dict[str, Any]] = {
    413: {"model": Problem, "description": "The body is larger than any valid one."},
    422: {
        "model": Problems,
        "description": "The body breaks the data contract; the field is named.",
    },
    500: {"model": Problem, "description": "The model has no answer for one of the rows."},
}


def add_model_routes(app: FastAPI, service: Service) -> None:
    """Adds the routes that ask the model."""

    def predicted(body: bytes) -> dict[str, Any]:
        return {"predictions": service.predict(features_of(body)).tolist(), **service.identity}

    def explained(body: bytes) -> dict[str, Any]:
        return {"explanations": _explanations(service, body), **service.identity}

    @app.post(
        "/predict",
        tags=["model"],
        openapi_extra=accepts(Batch),
        responses={200: {"model": Predictions}, **REFUSALS},
    )
    async def predict(request: Request) -> Response:
        """Disease progression one year after baseline, one number per row."""
        return await answer(request, service, "predict", predicted)

    @app.post(
        "/explain",
        tags=["model"],
        openapi_extra=accepts(Batch),
        responses={200: {"model": Explanations}, **REFUSALS},
    )
    async def explain(request: Request) -> Response:
        """Contributions that add up: ``prediction = baseline + sum(contributions)``."""
        return await answer(request, service, "explain", explained)


def add_fact_routes(app: FastAPI, service: Service) -> None:
    """Adds the routes that tell what the server knows."""

    @app.get("/manifest", tags=["facts"], responses={200: MANIFEST})
    async def manifest(_: Request) -> Response:
        """What this image claims about itself."""
        return as_json(service.model.manifest.document())

    @app.get("/recent", tags=["facts"], responses={200: RECENT, 404: {"model": Problem}})
    async def recently(_: Request) -> Response:
        """The rows that ``/predict`` answered last, oldest first, where ``RECENT_ROWS`` is set."""
        if not service.recent.kept:
            return as_json({"error": "no rows are kept: RECENT_ROWS is not set"}, 404)
        rows = recent.as_json(service.recent.rows())
        return StreamingResponse(rows, media_type="application/json")


def _explanations(service: Service, body: bytes) -> list[dict[str, Any]]:
    explained = service.explain(features_of(body))
    return [
        {
            "prediction": prediction,
            "baseline": explained.baseline,
            "contributions": dict(zip(contract.NAMES, contributions, strict=True)),
        }
        for prediction, contributions in zip(
            explained.predictions.tolist(), explained.contributions.tolist(), strict=True
        )
    ]
