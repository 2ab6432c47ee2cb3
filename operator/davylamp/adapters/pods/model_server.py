"""Asks one pod of a model, which may run anybody's code: bounded in time, size and direction.

The address is the pod's own, never one that a resource or an answer names: no redirect is followed,
no proxy of the environment used. What comes back is a text that nobody has looked at.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

from davylamp.adapters.pods.exchange import OK, ExchangeError, Exchanges, PodRequest
from davylamp.adapters.reading.in_hand import BytesInHand
from davylamp.adapters.reading.limits import LIGHT, MIB, ReadingRefusedError
from davylamp.adapters.reading.reader import Reader
from davylamp.checks import Declined, Heard, Received, Silent

TIMEOUT: Final = 5.0
"""Seconds for one request, connection included."""
LARGEST: Final = 2 * MIB
"""Bytes of an answer that are read."""
BUSY: Final = frozenset({408, 425, 429, 502, 503, 504})
"""Codes that say "not now"."""


@dataclass(frozen=True, slots=True)
class PodAddress:
    """A pod that can be asked. `uid` distinguishes pods of one name."""

    name: str
    uid: str
    host: str
    port: int
    namespace: str = ""


class ModelServer(Protocol):
    """The part of docs/model-server.md that the checks use."""

    async def get(self, pod: PodAddress, path: str) -> Heard:
        """Ask for a document."""

    async def post(self, pod: PodAddress, path: str, body: bytes) -> Heard:
        """Send a document, a JSON text."""


class HttpModelServer:
    """`ModelServer` over HTTP, with a new connection for every question.

    Args:
        reader: whose budget receiving costs, and who counts what waits to be read.
        timeout: seconds for one question, connection included.
        largest: bytes of an answer that are read.
    """

    def __init__(self, reader: Reader, *, timeout: float = TIMEOUT, largest: int = LARGEST) -> None:
        self._exchanges = Exchanges(reader.receiving)
        self._in_hand = reader.in_hand
        self._timeout = timeout
        self._largest = largest

    async def get(self, pod: PodAddress, path: str) -> Heard:
        """See `ModelServer.get`."""
        return await self._ask(pod, path, None)

    async def post(self, pod: PodAddress, path: str, body: bytes) -> Heard:
        """See `ModelServer.post`."""
        return await self._ask(pod, path, body)

    async def _ask(self, pod: PodAddress, path: str, body: bytes | None) -> Heard:
        asked = f"{'GET' if body is None else 'POST'} {path}"
        request = PodRequest(
            pod.host, pod.port, path, owner=pod.namespace, accept="application/json", body=body
        )
        text = _Text(self._in_hand, pod.namespace, self._largest)
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._exchanges.ask(request, text.add)
        except TimeoutError:
            return Silent(f"pod {pod.name}: {asked} gave no answer within {self._timeout:g} s")
        except OSError as error:
            return Silent(f"pod {pod.name}: {asked}: {type(error).__name__}")
        except ExchangeError as error:
            return Silent(f"pod {pod.name}: {asked} {error}")
        except ReadingRefusedError as error:
            return Silent(f"pod {pod.name}: {asked}: {error}")
        except _TooLongError:
            return Declined(f"{asked} answered more than {self._largest} bytes")
        finally:
            text.let_go()
        if status in BUSY:
            return Silent(f"{asked} answered {status}")
        if status != OK:
            return Declined(f"{asked} answered {status}", status)
        return text.received()


class _TooLongError(Exception):
    """An answer is longer than what is read."""


class _Text:
    """What has arrived of an answer; beyond a short one, its bytes count as those of its namespace."""

    def __init__(self, in_hand: BytesInHand, owner: str, largest: int) -> None:
        self._in_hand = in_hand
        self._owner = owner
        self._largest = largest
        self._text = bytearray()
        self._counted = 0

    def add(self, piece: bytes) -> None:
        """Take in the next piece."""
        size = len(self._text) + len(piece)
        if size > self._largest:
            raise _TooLongError
        if size > LIGHT:
            self._in_hand.take(size - self._counted, self._owner)
            self._counted = size
        self._text += piece

    def received(self) -> Received:
        """All of it."""
        received = Received(bytes(self._text))
        if len(received.text) > LIGHT:
            self._in_hand.hold(received, len(received.text), self._owner)
        return received

    def let_go(self) -> None:
        """Nobody receives any more."""
        self._in_hand.give_back(self._counted, self._owner)
        self._counted = 0
