"""From a request's bytes to an answer's bytes, the same way for every route of the model."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from diabetes_model.server.requests import RefusedError
from diabetes_model.server.service import Service

MAX_BODY_BYTES = 2 * 2**20
TOO_LARGE = 413
GONE = 499
PREDICT = "predict"

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode


class DirectRoute(APIRoute):
    """A route of a function from Request to Response, which FastAPI describes and does not wrap.

    Every route here is one: resolving dependencies, which no route has, costs more than the model.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function itself."""
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


def as_json(document: Mapping[str, Any], status: int = 200) -> Response:
    """A document as an answer."""
    return Response(_encode(document).encode(), status, media_type="application/json")


async def answer(
    request: Request, service: Service, route: str, ask: Callable[[bytes], Mapping[str, Any]]
) -> Response:
    """What ``ask`` makes of the body: 200, what it refuses, or an honest 500 when the model fails."""
    try:
        body = await _body(request)
        document = ask(body)
        if late := route == PREDICT and service.faults.lateness():
            await asyncio.sleep(late)
        return as_json(document)
    except RefusedError as refused:
        return as_json(refused.document, refused.status)
    except ClientDisconnect:
        return Response(status_code=GONE)  # the client is gone; it is counted
    except Exception as error:  # noqa: BLE001 - whatever the model raises is one counted 500
        service.failures.failed(route, error)
        reason = f"{type(error).__name__}: {error}"
        return as_json({"error": reason, **service.identity}, 500)


async def _body(request: Request) -> bytes:
    """The whole body, unless it is larger than any valid one."""
    pieces, size = [], 0
    async for piece in request.stream():
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise RefusedError(TOO_LARGE, {"error": f"body: more than {MAX_BODY_BYTES} bytes"})
    return b"".join(pieces)
