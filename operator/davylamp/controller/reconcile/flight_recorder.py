"""Writes flight records: nothing waits for one for long, and nothing fails with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final

from davylamp.adapters.errors import Forbidden, NotLeader, OperatorError, Retryable
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.logs import about
from davylamp.controller.reconcile.writes import DiscardFlight, FlightWrite, Kept, StoreFlight
from davylamp.manifests import Owner
from davylamp.manifests.flight_record import flight_record

PATIENCE: Final = 5.0
"""Seconds that a status waits for its record at most; a bad revision is fenced by then."""
_log = logging.getLogger(__name__)


class FlightRecorder:
    """Writes flight records within a time limit, and lets nothing fail with them.

    Args:
        applier: writes them.
        patience: seconds that all writes of one pass may take together.
    """

    def __init__(self, applier: Applier, *, patience: float = PATIENCE) -> None:
        self._applier = applier
        self._patience = patience

    async def keep(self, owner: Owner, writes: Iterable[FlightWrite]) -> Kept:
        """Store the record of an attempt, then delete those that make room for it."""
        deadline = asyncio.get_running_loop().time() + self._patience
        kept = Kept.NOTHING
        for write in writes:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._written(owner, write)
            except Exception as error:  # noqa: BLE001 - a defect of a record holds up no rollback
                _warn(owner, write, error)
                return kept
            kept = Kept.RECORD
        return Kept.RECORD_AND_LIMIT if kept is Kept.RECORD else kept

    async def _written(self, owner: Owner, write: FlightWrite) -> None:
        match write:
            case StoreFlight():
                manifest = await asyncio.to_thread(  # packing takes longer than others should wait
                    flight_record,
                    owner,
                    write.flight,
                    write.recording,
                    repository=write.repository,
                    plan=write.plan,
                )
                await _tried_twice(partial(self._applier.store, owner, manifest))
            case DiscardFlight():
                discard = partial(self._applier.discard, owner, write.kind, write.name)
                await _tried_twice(discard)


async def _tried_twice(request: Callable[[], Awaitable[None]]) -> None:
    """Make a request that no later pass makes again, and repeat it after a passing fault."""
    try:
        await request()
    except (Forbidden, NotLeader):
        raise
    except Retryable:
        await request()


def _warn(owner: Owner, write: FlightWrite, error: Exception) -> None:
    if isinstance(write, StoreFlight):
        log = about(_log, **owner.fields(), revision=write.flight.candidate.revision)
        what = "what the gates saw is not recorded"
    else:
        log, what = about(_log, **owner.fields()), "old records are not deleted"
    if isinstance(error, OperatorError | TimeoutError):
        log.warning("%s: %s", what, str(error) or "it took too long")
    else:
        log.error("%s", what, exc_info=error)
