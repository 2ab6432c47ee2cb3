"""One process that reads, from the outside: started, asked, ended."""

import asyncio
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Final, Self

from davylamp.adapters.reading.frames import (
    ANSWER_HEAD,
    QUESTION_HEAD,
    ReadingOutcome,
    ReadingTask,
    packed,
    unpacked,
)
from davylamp.adapters.reading.limits import (
    ReadingLimits,
    ReadingRefusedError,
    TooMuchToReadError,
    UnreadableError,
)

_log = logging.getLogger(__name__)
_MODULE: Final = "davylamp.adapters.reading.worker"
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
"""Variables that Python may need; whatever else the operator knows is no business of the process."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of a text, and the seconds of CPU that it took."""

    result: Any
    seconds: float


class EndedError(Exception):
    """The process is gone without an answer, and not because of its limits: another one may read."""


class WorkerProcess:
    """A process that reads one text after another; `start` makes one, `aclose` ends it."""

    def __init__(
        self, process: subprocess.Popen[bytes], channel: socket.socket, limits: ReadingLimits
    ) -> None:
        self._process = process
        self._channel = channel
        self._limits = limits
        self.is_spent = False
        """Whether it must not be asked again."""

    @classmethod
    async def start(cls, limits: ReadingLimits) -> Self:
        """Start one; it takes a third of a second until it can read.

        Raises:
            OSError: no process can be started.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        starting = asyncio.ensure_future(asyncio.to_thread(_started, theirs, limits.memory))
        try:
            process = await asyncio.shield(starting)
        except BaseException:
            ours.close()
            starting.add_done_callback(_abandon)
            raise
        return cls(process, ours, limits)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    async def read(
        self, module: str, function: str, text: bytes | bytearray, arguments: tuple[Any, ...]
    ) -> Reading:
        """What a function makes of a text.

        Raises:
            UnreadableError: the text is not what the function reads, or takes too much.
            ReadingRefusedError: the machine is too busy to know.
            EndedError: somebody else has ended the process, or the text did.
        """
        question = packed(
            ReadingTask(module, function, arguments, self._limits.seconds, self._limits.result)
        )
        self.is_spent = True  # until the whole answer is here
        try:
            async with asyncio.timeout(self._limits.patience):
                await self._send(question, text)
                return await self._answer()
        except TimeoutError:
            raise ReadingRefusedError(
                f"was not read within {self._limits.patience:g} s: the machine is busy"
            ) from None
        finally:
            if self.is_spent:  # also when nobody waits any more
                self._process.kill()

    async def aclose(self) -> None:
        """End the process, whatever it is doing."""
        self.is_spent = True
        self._channel.close()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    async def _send(self, question: bytes, text: bytes | bytearray) -> None:
        loop = asyncio.get_running_loop()
        try:
            head = QUESTION_HEAD.pack(len(question), len(text))
            await loop.sock_sendall(self._channel, head + question)
            await loop.sock_sendall(self._channel, text)
        except OSError as error:
            raise EndedError from error

    async def _answer(self) -> Reading:
        head = await self._received(ANSWER_HEAD.size)
        outcome, is_last, seconds, size = ANSWER_HEAD.unpack(head)
        if size > self._limits.result:
            raise TooMuchToReadError("says more than one reading may")
        body = bytes(await self._received(size))
        if outcome == ReadingOutcome.TOO_MUCH:
            raise TooMuchToReadError(body.decode())
        self.is_spent = is_last
        if outcome == ReadingOutcome.UNREADABLE:
            raise UnreadableError(body.decode())
        if outcome == ReadingOutcome.FAILED:
            _log.error("reading failed: %s", body.decode())
            raise ReadingRefusedError("could not be read because of an error of the operator's")
        try:
            return Reading(unpacked(body), seconds)
        except pickle.UnpicklingError as error:
            raise UnreadableError("cannot be read: no result of ours") from error

    async def _received(self, size: int) -> bytearray:
        loop, text, place = asyncio.get_running_loop(), bytearray(size), 0
        view = memoryview(text)
        while place < size:
            try:
                count = await loop.sock_recv_into(self._channel, view[place:])
            except OSError:
                count = 0
            if not count:
                raise await self._gone()
            place += count
        return text

    async def _gone(self) -> Exception:
        """Why there is no answer: only the timer of a reading sends this signal."""
        await self.aclose()
        if self._process.returncode == -signal.SIGPROF:
            return TooMuchToReadError("takes more time than one reading may")
        return EndedError()


def _started(channel: socket.socket, memory: int) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(place for place in sys.path if place)  # finds the same modules as we do
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with channel:
        return subprocess.Popen(  # noqa: S603 - no word of it comes from outside
            [sys.executable, "-m", _MODULE, str(memory)],
            stdin=channel.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**kept, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
            cwd="/",
        )


def _abandon(starting: "asyncio.Future[subprocess.Popen[bytes]]") -> None:
    """End a process that nobody waits for any more."""
    if not starting.cancelled() and starting.exception() is None:
        starting.result().kill()
        starting.result().wait()
