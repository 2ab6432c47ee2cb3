"""Around every answer: the headers that say who answered, and the metrics of the model's routes."""

import threading
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
LEAVING = ((b"connection", b"close"),)


@dataclass(frozen=True, slots=True)
class Observed:
    """An ASGI application around another: plain ASGI, a fraction of a framework middleware's cost.

    ``measured`` maps the paths whose answers are counted to the name of their route. Once ``leaving``
    is set every answer asks its client to come back on another connection.
    """

    application: Application
    measured: Mapping[str, str]
    identity: tuple[tuple[bytes, bytes], ...]
    observe: Callable[[str, int, float], None]
    leaving: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handles one connection's scope."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        route, begun = self.measured.get(scope["path"]), time.perf_counter()

        async def send_with_identity(message: Message) -> None:
            if message["type"] == "http.response.start":
                farewell = LEAVING if self.leaving.is_set() else ()
                message["headers"] = [*message.get("headers", ()), *self.identity, *farewell]
                if route is not None:
                    self.observe(route, message["status"], time.perf_counter() - begun)
            await send(message)

        await self.application(scope, receive, send_with_identity)
