"""The paths of the Open Inference Protocol: health, metadata, ``infer``, ``explain``."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from diabetes_model.server.answering import DirectRoute, answer, as_json
from diabetes_model.server.documents import (
    InferenceAnswer,
    ModelMetadata,
    Problem,
    ServerMetadata,
    accepts,
)
from diabetes_model.server.protocol import PLACES, VERBS, Protocol
from diabetes_model.server.requests import RefusedError
from diabetes_model.server.tensors import InferenceRequest

UNAVAILABLE = 503

Responses = dict[int | str, dict[str, Any]]
UNKNOWN: Responses = {
    404: {"model": Problem, "description": "Another model or version is served here."}
}
REFUSALS: Responses = {
    400: {"model": Problem, "description": "No request of this protocol, or other tensors."},
    **UNKNOWN,
    413: {"model": Problem, "description": "The body is larger than any valid one."},
    422: {"model": Problem, "description": "A value breaks the data contract; it is named."},
    500: {"model": Problem, "description": "The model has no answer for one of the rows."},
}


def router(protocol: Protocol) -> APIRouter:
    """All routes below ``/v2``."""
    routes = APIRouter(prefix="/v2", route_class=DirectRoute, tags=["open inference protocol"])
    _server_routes(routes, protocol)
    for place in PLACES:
        path = place.removeprefix("/v2")
        _model_routes(routes, path, protocol)
        for verb in VERBS:
            _verb_route(routes, path, verb, protocol)
    return routes


def _server_routes(routes: APIRouter, protocol: Protocol) -> None:
    @routes.get("", responses={200: {"model": ServerMetadata}})
    async def server(_: Request) -> Response:
        """Metadata of the server."""
        return as_json(protocol.server())

    @routes.get("/health/live")
    async def live(_: Request) -> Response:
        """Whether the server is alive."""
        return as_json({"live": True})

    @routes.get("/health/ready", responses={UNAVAILABLE: {"description": "Not yet."}})
    async def ready(_: Request) -> Response:
        """Whether every model is ready: there is one."""
        is_ready = protocol.service.faults.ready()
        return as_json({"ready": is_ready}, 200 if is_ready else UNAVAILABLE)


def _model_routes(routes: APIRouter, path: str, protocol: Protocol) -> None:
    @routes.get(path, responses={200: {"model": ModelMetadata}, **UNKNOWN})
    async def model(request: Request) -> Response:
        """Metadata of the model."""
        return _refusal(protocol, request) or as_json(protocol.model(request.path_params["model"]))

    @routes.get(f"{path}/ready", responses={**UNKNOWN, UNAVAILABLE: {"description": "Not yet."}})
    async def ready(request: Request) -> Response:
        """Whether the model is ready."""
        is_ready = protocol.service.faults.ready()
        state = {"name": request.path_params["model"], "ready": is_ready}
        return _refusal(protocol, request) or as_json(state, 200 if is_ready else UNAVAILABLE)


def _verb_route(routes: APIRouter, path: str, name: str, protocol: Protocol) -> None:
    verb = VERBS[name]

    @routes.post(
        f"{path}/{name}",
        name=name,
        description=f"Answers the tensors {', '.join(verb.outputs)}.",
        openapi_extra=accepts(InferenceRequest),
        responses={200: {"model": InferenceAnswer}, **REFUSALS},
    )
    async def ask(request: Request) -> Response:
        model, version = request.path_params["model"], request.path_params.get("version")

        def answered(body: bytes) -> dict[str, Any]:
            protocol.check(model, version)
            return protocol.answer(model, verb, body)

        return await answer(request, protocol.service, verb.route, answered)


def _refusal(protocol: Protocol, request: Request) -> Response | None:
    """The refusal of another model or version than the one that is served."""
    try:
        protocol.check(request.path_params["model"], request.path_params.get("version"))
    except RefusedError as refused:
        return as_json(refused.document, refused.status)
    return None
