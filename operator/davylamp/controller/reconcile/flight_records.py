"""Flight records: which one a decision calls for, and its writes, that hold nothing up.

A record is there to be looked at later, so nothing waits for it for long and nothing fails with it.
Old ones go before the status forgets their names, so that a crash leaves a way to find them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from davylamp.adapters.errors import Forbidden, NotLeader, OperatorError, Retryable
from davylamp.api.gate_status import GateStatus
from davylamp.api.names import Reason
from davylamp.api.status import HistoryEntry, ModelDeploymentStatus, RevisionRef, identity
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.writes import Step
from davylamp.controller.logs import about
from davylamp.controller.reconcile.observer import Pass
from davylamp.controller.reconcile.writes import DiscardFlight, Kept, StoreFlight
from davylamp.manifests import Owner
from davylamp.manifests.flight_record import Flight, flight_name, flight_record
from davylamp.rollout import Decision
from davylamp.rollout.attempts import EndedAttempt, marked, newest_recorded, recordings
from davylamp.rollout.report.gates import gate_status

PATIENCE: Final = 5.0
"""Seconds that a status waits for its record at most; a bad revision is fenced by then."""
_ENDINGS: Final = frozenset(
    {Reason.PROMOTED, Reason.ROLLED_BACK, Reason.ABORTED, Reason.SUPERSEDED}
)
_log = logging.getLogger(__name__)

FlightWrite = StoreFlight | DiscardFlight


def operator_version() -> str:
    """The version of this operator."""
    try:
        return version("davylamp")
    except PackageNotFoundError:
        return "unknown"


# --- what is planned ----------------------------------------------------------------------------


def flight_writes(
    current: Pass, decision: Decision, *, operator: str, scrape_interval: float
) -> tuple[FlightWrite, ...]:
    """The record of the attempt that a decision ends, if it ends one, and those that make room."""
    ended = decision.ended
    if ended is None:
        return ()
    flight = _flight(current, decision, ended, operator, scrape_interval)
    store = StoreFlight(
        Step.FLIGHT_RECORD,
        "ConfigMap",
        _name(current, ended),
        flight=flight,
        recording=current.recording,
        repository=_repository(current, ended.entry.revision),
        plan=ended.plan or current.observation.rollout,
    )
    limited = remembered(current, decision)[Kept.RECORD_AND_LIMIT].history
    gone = recordings(current.parent.status.history) - recordings(limited)
    discards = (DiscardFlight(Step.FLIGHT_RECORD, "ConfigMap", name) for name in sorted(gone))
    return store, *discards


def remembered(current: Pass, decision: Decision) -> Mapping[Kept, ModelDeploymentStatus]:
    """The new status, by what becomes of the flight record that its history would name."""
    status, ended = decision.status, decision.ended
    if ended is None:
        return dict.fromkeys(Kept, status)
    history = marked(status.history, ended.entry, _name(current, ended))
    limited = newest_recorded(history, current.observation.rollout.history)
    return {
        Kept.NOTHING: status,
        Kept.RECORD: _with_history(status, history),
        Kept.RECORD_AND_LIMIT: _with_history(status, limited),
    }


def _with_history(
    status: ModelDeploymentStatus, history: tuple[HistoryEntry, ...]
) -> ModelDeploymentStatus:
    return status.model_copy(update={"history": history})


def _name(current: Pass, ended: EndedAttempt) -> str:
    owner = current.parent.owner
    return flight_name(owner, ended.entry.revision, probation=ended.in_probation)


def _flight(
    current: Pass,
    decision: Decision,
    ended: EndedAttempt,
    operator: str,
    scrape_interval: float,
) -> Flight:
    entry = ended.entry
    endings = (n for n in decision.notices if n.reason in _ENDINGS)
    return Flight(
        operator=operator,
        namespace=current.parent.key.namespace,
        name=current.parent.key.name,
        phase="Probation" if ended.in_probation else "Canary",
        candidate=RevisionRef(**identity(entry)),
        stable=ended.stable,
        started_at=ended.started_at,
        canary_at=ended.canary_at,
        ended_at=entry.at,
        outcome=entry.outcome,
        reason=entry.reason,
        message=next((n.message for n in endings if n.revision == entry.revision), ""),
        weights=ended.weights,
        scrape_interval=scrape_interval,
        gates=_gates(ended),
        baseline=ended.baseline,
        rates=ended.rates,
    )


def _gates(ended: EndedAttempt) -> tuple[GateStatus, ...]:
    """What the gates answered last; where nothing was judged, what the status said of them."""
    at = ended.entry.at
    return tuple(gate_status(*gate, at) for gate in ended.judgements.items()) or ended.gates


def _repository(current: Pass, revision: str) -> str:
    """Image repository of a revision, by its record; by the spec where that is gone."""
    made, spec = current.children.records.get(revision), current.parent.spec
    repository = objects.field(made, "data", "intent", "image", "repository")
    if isinstance(repository, str):
        return repository
    return spec.image.repository if spec else "unknown"


# --- how it is written --------------------------------------------------------------------------


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
