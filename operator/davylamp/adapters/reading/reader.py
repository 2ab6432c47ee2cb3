"""Reads texts of strangers: short ones at once, all others in a process that may end without harm.

Two processes at most. One is for what the operator itself asks about all rollouts together, as
rollbacks wait for it. The other is for what belongs to one namespace: there each namespace has its
turn, and no more seconds a minute than its budget. Both start when they are needed, are replaced
when they die or have grown, and end when nothing was read for a while.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar, TypeVarTuple

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.reading.budget import SecondsBudget
from davylamp.adapters.reading.in_hand import BytesInHand
from davylamp.adapters.reading.limits import (
    LIGHT,
    NOTHING_TO_READ,
    ReadingLimits,
    ReadingRefusedError,
    TooMuchToReadError,
    UnreadableError,
)
from davylamp.adapters.reading.process import EndedError, Reading, WorkerProcess
from davylamp.adapters.reading.turns import ReadingTurns

SHARED: Final = ""
"""Owner of what is asked about all rollouts together."""
SECONDS_A_MINUTE: Final = 20.0
"""Of CPU that the process may take for one namespace."""
LOOP_SECONDS_A_MINUTE: Final = 5.0
"""Of the event loop that receiving from one namespace's pods may take."""
IDLE: Final = 60.0
"""Seconds after which a process that nobody needs ends."""
ATTEMPTS: Final = 2
"""Processes that read a text, where the first one ends without an answer: it may have been idle then."""
OnReading: TypeAlias = Callable[[str, str, float], None]
"""Called after each reading in a process: with the owner, the outcome, and the seconds of CPU."""
_Arguments = TypeVarTuple("_Arguments")
_T = TypeVar("_T")


class Reader:
    """Reads on behalf of owners; `aclose` ends its processes.

    Args:
        limits: of one reading.
        budget: seconds of CPU of each owner.
        on_reading: for metrics.
    """

    def __init__(
        self,
        limits: ReadingLimits | None = None,
        *,
        budget: SecondsBudget | None = None,
        on_reading: OnReading = lambda _owner, _outcome, _seconds: None,
    ) -> None:
        self._limits = limits or ReadingLimits()
        self._budget = budget or SecondsBudget(SECONDS_A_MINUTE, time.monotonic)
        self.receiving = SecondsBudget(LOOP_SECONDS_A_MINUTE, time.monotonic)
        """For whoever receives texts in the event loop."""
        self.in_hand = BytesInHand()
        self._on_reading = on_reading
        self._shared, self._strangers = _Lane(self._limits), _Lane(self._limits)

    async def read(
        self,
        task: Callable[[bytes, *_Arguments], _T],
        text: bytes,
        *arguments: *_Arguments,
        owner: str,
        light: int = LIGHT,
    ) -> _T:
        """What a task makes of a text.

        Args:
            task: a public function of a module of ours; raises `ValueError` or `OperatorError`.
            text: what a stranger sent.
            arguments: further arguments of the task.
            owner: the namespace that answers for the text, or `SHARED`.
            light: bytes up to which the worst text is read in some milliseconds.

        Raises:
            UnreadableError: the text is not what the task reads.
            TooMuchToReadError: it takes more than one reading may.
            ReadingRefusedError: the owner has used up its share.
        """
        if len(text) <= light:
            return read_here(task, text, *arguments)
        if owner:
            self._budget.require(owner)
        return await self._measured(owner, task, text, arguments)

    async def aclose(self) -> None:
        """End the processes; what is being read is given up."""
        await self._shared.aclose()
        await self._strangers.aclose()

    async def _measured(
        self, owner: str, task: Callable[..., _T], text: bytes, arguments: tuple[Any, ...]
    ) -> _T:
        lane = self._strangers if owner else self._shared
        outcome, seconds = "ok", 0.0
        try:
            async with lane.turns.turn(owner):
                if owner:
                    self._budget.require(owner)  # it may have been used up meanwhile
                seconds = self._limits.seconds  # all of it, unless an answer says less
                reading = await lane.read(task.__module__, task.__qualname__, text, arguments)
                seconds = reading.seconds
            result: _T = reading.result
        except UnreadableError as error:
            is_too_much = isinstance(error, TooMuchToReadError)
            outcome = "too_much" if is_too_much else "unreadable"
            raise
        except ReadingRefusedError:
            outcome = "refused"
            raise
        else:
            return result
        finally:
            if owner:
                self._budget.spend(owner, seconds)
            self._on_reading(owner, outcome, seconds)


class _Lane:
    """One process and the turns on it."""

    def __init__(self, limits: ReadingLimits) -> None:
        self.turns = ReadingTurns()
        self._limits = limits
        self._process: WorkerProcess | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._ends: set[asyncio.Task[None]] = set()

    async def read(
        self, module: str, function: str, text: bytes, arguments: tuple[Any, ...]
    ) -> Reading:
        """Read in the process; whoever calls has the turn."""
        if self._ending:
            self._ending.cancel()
        try:
            for _ in range(ATTEMPTS):
                process = await self._ready()
                with contextlib.suppress(EndedError):
                    return await process.read(module, function, text, arguments)
        except OSError as error:
            raise ReadingRefusedError("no process can be started to read answers") from error
        finally:
            self._ending = asyncio.get_running_loop().call_later(IDLE, self._end_idle)
        raise TooMuchToReadError("ends the process that reads it")

    async def aclose(self) -> None:
        """End the process."""
        if self._ending:
            self._ending.cancel()
        if self._process:
            await self._process.aclose()
            self._process = None
        await asyncio.gather(*self._ends)

    async def _ready(self) -> WorkerProcess:
        if self._process and self._process.is_spent:
            await self._process.aclose()
            self._process = None
        if self._process is None:
            self._process = await WorkerProcess.start(self._limits)
        return self._process

    def _end_idle(self) -> None:
        process, self._process = self._process, None
        if process:
            ends = asyncio.ensure_future(process.aclose())
            self._ends.add(ends)
            ends.add_done_callback(self._ends.discard)


def read_here(task: Callable[[bytes, *_Arguments], _T], text: bytes, *arguments: *_Arguments) -> _T:
    """What a task makes of a short text, in this thread.

    Raises:
        UnreadableError: the text is not what the task reads.
    """
    try:
        return task(text, *arguments)
    except UnreadableError:
        raise
    except OperatorError as error:
        raise UnreadableError(error.message) from error
    except ValueError as error:
        raise UnreadableError(NOTHING_TO_READ) from error
    except RecursionError as error:
        raise UnreadableError("is nested too deeply") from error
