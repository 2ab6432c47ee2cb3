"""Which decision ends a turn that had traffic, and so is recorded; and which records are kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from davylamp.api.gate_status import FeatureShare, GateRate
from davylamp.api.spec import Rollout
from davylamp.api.status import (
    Candidate,
    HistoryEntry,
    ModelDeploymentStatus,
    Previous,
    RevisionRef,
    Stable,
    WeightChange,
    identity,
)
from davylamp.rollout.stages import IN_TRAFFIC

History = tuple[HistoryEntry, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """A turn with traffic that a decision ended: what was judged from when on, and how."""

    entry: HistoryEntry
    started_at: datetime
    canary_at: datetime | None
    weights: tuple[WeightChange, ...]
    stable: RevisionRef | None = None
    baseline: tuple[FeatureShare, ...] = ()
    rates: tuple[GateRate, ...] = ()
    """What was bad of the answers of the revision before, in a probation."""
    plan: Rollout | None = None
    """None in a probation, which is judged by the settings of the moment."""

    @property
    def in_probation(self) -> bool:
        """Whether the revision had been promoted already."""
        return self.plan is None


def ended_turn(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Ended | None:
    """The turn that ended between two statuses; None for one that never had traffic."""
    candidate, stable = before.candidate, before.stable
    if candidate is not None and candidate.stage in IN_TRAFFIC:
        entry = _new_entry(before, after, candidate)
        return _of_canary(entry, candidate, stable) if entry else None
    if candidate is None and before.previous and stable:
        entry = _new_entry(before, after, stable)
        return _of_probation(entry, stable, before.previous) if entry else None
    return None


def marked(history: History, ended: HistoryEntry, name: str) -> History:
    """The history with a new record; an older turn whose record it took the place of has none."""

    def recording(entry: HistoryEntry) -> str | None:
        if entry == ended:
            return name
        return None if entry.recording == name else entry.recording

    return tuple(_with(entry, recording(entry)) for entry in history)


def newest_recorded(history: History, limit: int) -> History:
    """The history with the names of the newest records alone."""
    names = [entry.recording for entry in history if entry.recording]
    kept = {None, *names[:limit]}
    return tuple(e if e.recording in kept else _with(e, None) for e in history)


def recordings(history: Iterable[HistoryEntry]) -> frozenset[str]:
    """Names of all records that a history knows of."""
    return frozenset(entry.recording for entry in history if entry.recording)


def _new_entry(
    before: ModelDeploymentStatus, after: ModelDeploymentStatus, judged: RevisionRef
) -> HistoryEntry | None:
    new = (entry for entry in after.history if entry not in before.history)
    return next((entry for entry in new if entry.revision == judged.revision), None)


def _of_canary(entry: HistoryEntry, candidate: Candidate, stable: Stable | None) -> Ended:
    return Ended(
        entry,
        candidate.started_at,
        candidate.canary_at,
        candidate.weights,
        stable=RevisionRef(**identity(stable)) if stable else None,
        baseline=candidate.baseline,
        plan=candidate.plan,
    )


def _of_probation(entry: HistoryEntry, stable: Stable, previous: Previous) -> Ended:
    """Nothing is left to compare with: all traffic is its own."""
    at = stable.promoted_at
    weights = (WeightChange(weight=100, share="1", at=at),)
    return Ended(entry, at, at, weights, rates=previous.rates)


def _with(entry: HistoryEntry, recording: str | None) -> HistoryEntry:
    return entry.model_copy(update={"recording": recording})
