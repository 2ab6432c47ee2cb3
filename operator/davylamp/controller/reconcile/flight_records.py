"""Which flight record a decision calls for, and how the new status names it. Pure.

Old records go before the status forgets their names, so that a crash leaves a way to find them.
"""

from collections.abc import Mapping
from typing import Final

from davylamp.api.names import Reason
from davylamp.api.status import HistoryEntry, ModelDeploymentStatus, RevisionRef, identity
from davylamp.api.status_parts import GateStatus
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.writes import WriteStep
from davylamp.controller.reconcile.passes import Pass
from davylamp.controller.reconcile.writes import DiscardFlight, FlightWrite, Kept, StoreFlight
from davylamp.manifests.flight_record import Flight, flight_name
from davylamp.rollout import Decision
from davylamp.rollout.attempts import EndedAttempt, marked, newest_recorded, recordings
from davylamp.rollout.report.gates import gate_statuses

_ENDINGS: Final = frozenset(
    {Reason.PROMOTED, Reason.ROLLED_BACK, Reason.ABORTED, Reason.SUPERSEDED}
)


def flight_writes(
    current: Pass, decision: Decision, *, operator: str, scrape_interval: float
) -> tuple[FlightWrite, ...]:
    """The record of the attempt that a decision ends, if it ends one, and those that make room."""
    ended = decision.ended
    if ended is None:
        return ()
    flight = _flight(current, decision, ended, operator, scrape_interval)
    store = StoreFlight(
        WriteStep.FLIGHT_RECORD,
        "ConfigMap",
        _name(current, ended),
        flight=flight,
        recording=current.recording,
        repository=_repository(current, ended.entry.revision),
        plan=ended.plan or current.observation.rollout,
    )
    limited = remembered(current, decision)[Kept.RECORD_AND_LIMIT].history
    gone = recordings(current.parent.status.history) - recordings(limited)
    discards = (DiscardFlight(WriteStep.FLIGHT_RECORD, "ConfigMap", name) for name in sorted(gone))
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
    return gate_statuses((), ended.judgements, ended.entry.at) or ended.gates


def _repository(current: Pass, revision: str) -> str:
    """Image repository of a revision, by its record; by the spec where that is gone."""
    made, spec = current.children.records.get(revision), current.parent.spec
    repository = objects.field(made, "data", "intent", "image", "repository")
    if isinstance(repository, str):
        return repository
    return spec.image.repository if spec else "unknown"
