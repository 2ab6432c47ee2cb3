"""Keys that are due for a pass: one pass per key at a time, and again later on request.

A key stands for "look at this object again", never for what happened to it. Keys may be added at
any time, even while the queue does not run: a standby collects them and processes them when it
takes over. All times are seconds of the event loop's clock.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from davylamp.adapters.errors import Retryable, Terminal

Key = TypeVar("Key", bound=Hashable)
Process: TypeAlias = Callable[[Key], Awaitable[float | None]]
"""Makes a pass over a key; returns the seconds until the next one is due, None for never."""

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
    """Calls `process` for keys: first come, first served; one worker per key, several in all.

    * A key added again before its pass begins gets one pass; added during its pass, one more
      afterwards.
    * Of several wake-ups for a key the earliest counts, and every pass over the key replaces it by
      the wake-up that the pass asks for.
    * `Retryable` and unexpected exceptions bring the key back with backoff; `Terminal` does not.

    Args:
        process: makes a pass; may run for several keys at the same time.
        workers: how many at the same time.
        backoff: delays after failures.
        on_pass: called after each pass.
    """

    def __init__(
        self,
        process: Process[Key],
        *,
        workers: int = 4,
        backoff: Backoff | None = None,
        on_pass: OnPass[Key] = lambda _key, _outcome, _seconds: None,
    ) -> None:
        self._process = process
        self._workers = workers
        self._backoff = backoff or Backoff()
        self._on_pass = on_pass
        self._waiting: dict[Key, float] = {}
        self._running: dict[Key, float] = {}
        self._again: dict[Key, float] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._signal = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def depth(self) -> int:
        """Keys that are due and whose pass has not begun."""
        return len(self._waiting) + len(self._again)

    def oldest_age(self) -> float:
        """Seconds since the oldest unfinished key became due; 0 when none is, or not running.

        Keys whose pass is under way count too, so that a pass that hangs is noticed.
        """
        due = (*self._waiting.values(), *self._running.values(), *self._again.values())
        return _now() - min(due) if due and self._tasks else 0.0

    def add(self, key: Key) -> None:
        """Have a pass made over the key as soon as possible."""
        target = self._again if key in self._running else self._waiting
        target.setdefault(key, _now())
        self._signal.set()

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
        self._waiting.pop(key, None)
        self._again.pop(key, None)

    async def run(self) -> None:
        """Work until `stop`; may be called again afterwards, with the keys that are left.

        When cancelled, passes under way are cancelled too. A cancelled pass is made again by the
        next run.
        """
        self._stopping = False
        try:
            async with asyncio.TaskGroup() as group:
                self._tasks = [group.create_task(self._work()) for _ in range(self._workers)]
        finally:
            self._tasks = []

    async def stop(self, *, grace: float = 10.0) -> None:
        """Begin no further pass, and return when those under way have ended.

        Args:
            grace: seconds they get before they are cancelled.
        """
        self._stopping = True
        self._signal.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace)
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

    async def _work(self) -> None:
        while not self._stopping:
            if not self._waiting:
                self._signal.clear()
                await self._signal.wait()
                continue
            key = next(iter(self._waiting))
            await self._pass(key)
            await asyncio.sleep(0)  # a pass without writes never waits: let others have their turn

    async def _pass(self, key: Key) -> None:
        self._running[key] = self._waiting.pop(key)
        self._disarm(key)
        started = _now()
        try:
            outcome = await self._attempt(key)
        except asyncio.CancelledError:
            self._again.setdefault(key, started)
            raise
        finally:
            del self._running[key]
            if key in self._again:
                self._waiting[key] = self._again.pop(key)
                self._signal.set()
        self._on_pass(key, outcome, _now() - started)

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
