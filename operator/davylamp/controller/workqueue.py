"""Keys that are due for a pass: one pass per key at a time, and again later on request.

A key stands for "look at this object again", never for what happened to it. Keys may be added at
any time, even while the queue does not run: a standby collects them and processes them when it
takes over. All times are seconds of the event loop's clock.

Nobody waits for a neighbour: owners of keys have their turn one after the other, and slow passes of
one leave slots free (`Turns`). One pass begins in each turn of the event loop, so that many that never
wait for anything do not hold it up. A key that is added without end has its passes at a pace.
"""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, Generic, TypeAlias, TypeVar

from davylamp.adapters.errors import Retryable, Terminal
from davylamp.controller.fairness.pace import Pace
from davylamp.controller.fairness.turns import Turns

Key = TypeVar("Key", bound=Hashable)
Process: TypeAlias = Callable[[Key], Awaitable[float | None]]
"""Makes a pass over a key; returns the seconds until the next one is due, None for never."""

PASSES_IN_A_ROW: Final = 20
"""Passes over one key that are made as soon as they can be."""
PASSES_PER_SECOND: Final = 5.0
"""The pace of a key that goes on being added after that."""
_log = logging.getLogger(__name__)


class PassOutcome(StrEnum):
    """How one pass over a key ended."""

    SUCCESS = "success"
    RETRY = "retry"
    TERMINAL = "terminal"
    BUG = "bug"


OnPass: TypeAlias = Callable[[Key, PassOutcome, float], None]
"""Called after each pass: key, outcome, seconds it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long a key waits after its n-th failure in a row (seconds)."""

    first: float = 0.5
    factor: float = 2.0
    longest: float = 300.0
    jitter: float = 0.2
    """Share by which a delay is shortened at random, so that failed keys do not retry in step."""

    def delay(self, failures: int, *, asked: float | None = None) -> float:
        """Delay after `failures` (from 1) failures; at least `asked`, never above `longest`."""
        doublings = min(failures - 1, 64)
        grown = min(self.first * self.factor**doublings, self.longest)
        shortened = grown * (1 - self.jitter * random.random())
        return min(max(shortened, asked or 0.0), self.longest)


class WorkQueue(Generic[Key]):
    """Calls `process` for keys: owners in turn, and in each first come, first served.

    * A key added again before its pass begins gets one pass; added during its pass, one more
      afterwards.
    * Of several wake-ups for a key the earliest counts, and every pass over the key replaces it by
      the wake-up that the pass asks for.
    * `Retryable` and unexpected exceptions bring the key back with backoff; `Terminal` does not.

    Args:
        process: makes a pass; may run for several keys at the same time.
        workers: passes of one owner at the same time at most; twice as many of all.
        owner: whose turn a key takes.
        backoff: delays after failures.
        on_pass: called after each pass.
    """

    def __init__(
        self,
        process: Process[Key],
        *,
        workers: int = 4,
        owner: Callable[[Key], Hashable] = lambda _key: None,
        backoff: Backoff | None = None,
        on_pass: OnPass[Key] = lambda _key, _outcome, _seconds: None,
    ) -> None:
        self._process = process
        self._owner = owner
        self._backoff = backoff or Backoff()
        self._on_pass = on_pass
        self._turns: Turns[Hashable, Key] = Turns(workers)
        self._pace: Pace[Key] = Pace(burst=PASSES_IN_A_ROW, per_second=PASSES_PER_SECOND)
        self._waiting: dict[Key, float] = {}
        self._running: dict[Key, float] = {}
        """When each pass under way began."""
        self._again: dict[Key, float] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._began_at = -math.inf
        """When the latest pass began."""
        self._signal = asyncio.Event()
        self._passes: set[asyncio.Task[None]] = set()
        self._is_working = False
        self._stopping = False

    @property
    def depth(self) -> int:
        """Keys that are due and whose pass has not begun."""
        return len(self._waiting) + len(self._again)

    def oldest_age(self) -> float:
        """Seconds since the oldest unfinished key became due; 0 when none is, or not running.

        A pass under way counts from its beginning, so that one that hangs is noticed. A key that
        waits behind passes of its own owner does not count: whoever lets hundreds of them hang must
        not have this process taken for one that is stuck.
        """
        busy = {self._owner(key) for key in self._running}
        waiting = (at for key, at in self._waiting.items() if self._owner(key) not in busy)
        due = (*self._running.values(), *waiting)
        return _now() - min(due) if due and self._is_working else 0.0

    def stuck_for(self) -> float:
        """Seconds for which nothing has moved that was due; what the liveness probe goes by.

        As `oldest_age`, but as long as passes begin a key that waits is none that is stuck, however
        many namespaces come before its own: a restart would only let all of them wait again.
        """
        waits = _now() - self._began_at if self._waiting else 0.0
        passes = _now() - min(self._running.values()) if self._running else 0.0
        return min(self.oldest_age(), max(waits, passes))

    def add(self, key: Key) -> None:
        """Have a pass made over the key as soon as its pace allows it."""
        if key in self._running:
            self._again.setdefault(key, _now())
        elif key not in self._waiting:
            self._let_wait(key, _now())

    def add_after(self, key: Key, delay: float) -> None:
        """Have a pass made over the key in `delay` seconds, or earlier if an earlier wake-up is set."""
        self.wake_at(key, _now() + delay)

    def wake_at(self, key: Key, when: float) -> None:
        """Have a pass made over the key at `when`, or earlier if an earlier wake-up is set."""
        timer = self._timers.get(key)
        if timer is not None and timer.when() <= when:
            return
        self._disarm(key)
        self._timers[key] = asyncio.get_running_loop().call_at(when, self._wake, key)

    def forget(self, key: Key) -> None:
        """Drop wake-up and failures of a key whose object is gone; a running pass goes on."""
        self._disarm(key)
        self._failures.pop(key, None)
        if self._waiting.pop(key, None) is not None:
            self._turns.withdraw(key)
        self._again.pop(key, None)

    async def run(self) -> None:
        """Work until `stop`; may be called again afterwards, with the keys that are left.

        When cancelled, passes under way are cancelled too. A cancelled pass is made again by the
        next run.
        """
        self._stopping = False
        self._is_working = True
        try:
            await self._begin_passes()
            while self._passes:
                await asyncio.wait(self._passes)
        finally:
            self._is_working = False
            await self._cancel_passes()

    async def stop(self, *, grace: float = 10.0) -> None:
        """Begin no further pass, and return when those under way have ended.

        Args:
            grace: seconds they get before they are cancelled.
        """
        self._stopping = True
        self._signal.set()
        if self._passes:
            await asyncio.wait(self._passes, timeout=grace)
        await self._cancel_passes()

    async def _cancel_passes(self) -> None:
        late = tuple(self._passes)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _wake(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _disarm(self, key: Key) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _let_wait(self, key: Key, since: float) -> None:
        """Let a key wait for its turn, or first until its pace allows another pass."""
        due = self._pace.due(key)
        if due > _now():
            self.wake_at(key, due)
            return
        self._waiting[key] = since
        self._turns.add(self._owner(key), key)
        self._signal.set()

    async def _begin_passes(self) -> None:
        while not self._stopping:
            key = self._turns.take()
            if key is None:
                self._signal.clear()
                await self._signal.wait()
                continue
            del self._waiting[key]
            self._running[key] = self._began_at = _now()
            self._disarm(key)
            self._pace.note(key, _now())
            task = asyncio.create_task(self._pass(key))
            self._passes.add(task)
            task.add_done_callback(partial(self._ended, key))
            await asyncio.sleep(0)  # a pass without writes never waits: let others have their turn

    async def _pass(self, key: Key) -> None:
        started = _now()
        outcome = await self._attempt(key)
        self._on_pass(key, outcome, _now() - started)

    def _ended(self, key: Key, task: asyncio.Task[None]) -> None:
        """Let the next have the slot; a pass that was cancelled is made again by the next run."""
        self._passes.discard(task)
        self._turns.release(key)
        since = self._running.pop(key)
        if task.cancelled():
            self._again.setdefault(key, since)
        elif (error := task.exception()) is not None:
            _log.error("%s: its pass was not counted", key, exc_info=error)
        if key in self._again:
            self._let_wait(key, self._again.pop(key))
        self._signal.set()

    async def _attempt(self, key: Key) -> PassOutcome:
        try:
            again_in = await self._process(key)
        except Retryable as error:
            _log.warning("%s: %s; trying again", key, error)
            self._retry(key, asked=error.after)
            return PassOutcome.RETRY
        except Terminal as error:
            _log.error("%s: %s; waiting for a change", key, error)
            self._failures.pop(key, None)
            return PassOutcome.TERMINAL
        except Exception:  # noqa: BLE001 - a bug met by one object must not stop the others
            _log.exception("%s: unexpected error; trying again", key)
            self._retry(key)
            return PassOutcome.BUG
        self._failures.pop(key, None)
        if again_in is not None:
            self.add_after(key, again_in)
        return PassOutcome.SUCCESS

    def _retry(self, key: Key, *, asked: float | None = None) -> None:
        failures = self._failures.get(key, 0) + 1
        self._failures[key] = failures
        self.add_after(key, self._backoff.delay(failures, asked=asked))


def _now() -> float:
    return asyncio.get_running_loop().time()
