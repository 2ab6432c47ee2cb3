"""Which of several operator processes works: the one that holds the Lease, while it holds it.

A process leads only as long as its last successful renewal is recent by its own monotonic clock.
So a hung API server, a hung event loop or a paused process ends leadership without any message. A standby waits until the Lease has not changed for its whole duration on
the standby's own monotonic clock. No two machines' clocks are ever compared; they only have to run
at about the same speed.
"""

import asyncio
import contextlib
import logging
import random
import uuid
from collections.abc import Callable

from davylamp.adapters.errors import NotLeader, OperatorError
from davylamp.adapters.kubernetes.ports import Leases, Manifest
from davylamp.controller.leadership.lease import (
    FREE,
    LeaseRecord,
    LeaseSettings,
    held_lease,
    new_lease,
    read_record,
    released_lease,
)

_JITTER = 0.2
_PAST = 0.01
"""Seconds added to a deadline: timers may fire one clock tick early, before it has passed."""

_log = logging.getLogger(__name__)


class Elector:
    """Competes for one Lease.

    `ensure` is the fence for writes. The identity gets a random suffix per process, so that a
    container that restarts under the same pod name is another candidate and waits like any other.

    Args:
        leases: where the Lease is kept; its requests must be cancellable.
        settings: which Lease, who, how long.
        on_started: called when this process begins to lead; must not block.
        on_stopped: called when it has lost leadership; must not block.
    """

    def __init__(
        self,
        leases: Leases,
        settings: LeaseSettings,
        *,
        on_started: Callable[[], None] = lambda: None,
        on_stopped: Callable[[], None] = lambda: None,
    ) -> None:
        self.holder = f"{settings.identity}_{uuid.uuid4().hex[:8]}"
        self.transitions = 0
        self._leases = leases
        self._settings = settings
        self._on_started = on_started
        self._on_stopped = on_stopped
        self._valid_until = float("-inf")
        self._leading = False
        self._held: Manifest | None = None
        self._observed: tuple[LeaseRecord, float] | None = None
        self._stopping = asyncio.Event()

    def is_leader(self) -> bool:
        """Tell whether this process holds a live lease now."""
        return _clock() < self._valid_until

    def ensure(self) -> None:
        """Let a write pass.

        Raises:
            NotLeader: no live lease is held.
        """
        if not self.is_leader():
            raise NotLeader("this process holds no live lease")

    async def run(self) -> None:
        """Compete, lead, renew, until `stop` or cancellation; then release.

        Stop the work before this: the next leader starts as soon as the Lease is free.
        """
        try:
            while not self._stopping.is_set():
                renewed = await self._attempt()
                self._notice_change()
                await self._pause(renewed=renewed)
                self._notice_change()
        finally:
            await self._release()

    def stop(self) -> None:
        """Have `run` release the Lease and return."""
        self._stopping.set()

    async def _attempt(self) -> bool:
        """Try once to become or stay leader; True when a renewal was stored."""
        limit = _clock() + self._settings.request_timeout
        if self.is_leader():
            limit = min(limit, self._valid_until)
        try:
            async with asyncio.timeout_at(limit):
                return await self._renew() if self._held else await self._compete()
        except (OperatorError, TimeoutError) as error:
            self._held = None
            _log.warning("lease %s: %s", self._settings.name, str(error) or "no answer in time")
            return False

    async def _renew(self) -> bool:
        """Write the Lease from the copy the last write returned; a conflict means reading again."""
        assert self._held is not None  # noqa: S101 - for the type checker
        await self._hold(self._held)
        return True

    async def _compete(self) -> bool:
        """Read the Lease and take it if it is free, ours, or silent for its whole duration."""
        settings = self._settings
        lease = await self._leases.get_lease(settings.namespace, settings.name)
        if lease is not None and not self._may_take(lease):
            return False
        await self._hold(lease)
        return True

    def _may_take(self, lease: Manifest) -> bool:
        record = read_record(lease, duration=self._settings.duration)
        if self._observed is None or self._observed[0] != record:
            self._observed = (record, _clock())
        silent_for = _clock() - self._observed[1]
        return record.holder in {FREE, self.holder} or silent_for >= record.duration

    async def _hold(self, lease: Manifest | None) -> None:
        """Write ourselves into the Lease; validity counts from before the request."""
        began = _clock()
        if lease is None:
            fresh = new_lease(self._settings, holder=self.holder)
            self._held = await self._leases.create_lease(fresh)
        else:
            mine = held_lease(lease, self._settings, holder=self.holder)
            self._held = await self._leases.replace_lease(mine)
        self._notice_change()  # an answer that came after the end of the lease begins a new term
        self._valid_until = began + self._settings.valid_for

    def _notice_change(self) -> None:
        leads = self.is_leader()
        if leads == self._leading:
            return
        self._leading = leads
        self.transitions += 1
        _log.info("%s %s", self.holder, "leads" if leads else "lost leadership")
        (self._on_started if leads else self._on_stopped)()

    async def _pause(self, *, renewed: bool) -> None:
        every = self._settings.renew_every if renewed else self._settings.retry_every
        until = _clock() + every * (1 - _JITTER * random.random())
        deadline = self._valid_until if self._leading else self._silence_ends()
        if deadline > _clock():
            until = min(until, deadline + _PAST)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._stopping.wait()

    def _silence_ends(self) -> float:
        """When the last observed holder will have been silent for the whole duration of its lease."""
        if self._observed is None:
            return float("inf")
        record, since = self._observed
        return since + record.duration

    async def _release(self) -> None:
        """Stop leading, then free the Lease if it is certainly still ours."""
        held, self._held = self._held, None
        led = self.is_leader()
        self._valid_until = float("-inf")
        self._notice_change()
        if not led or held is None:
            return
        with contextlib.suppress(OperatorError, TimeoutError):
            async with asyncio.timeout(self._settings.request_timeout):
                await self._leases.replace_lease(released_lease(held))


def _clock() -> float:
    return asyncio.get_running_loop().time()
