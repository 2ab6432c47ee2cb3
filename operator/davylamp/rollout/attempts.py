"""What a move says about the attempt that it ended, and which flight records a history keeps.

An attempt that had traffic is worth a flight record. The move that ends one knows everything that
the record tells, so it is noted there and nowhere worked out afterwards.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from davylamp.api.spec import Rollout
from davylamp.api.status import (
    Candidate,
    HistoryEntry,
    ModelDeploymentStatus,
    Previous,
    RevisionRef,
    Stable,
    identity,
)
from davylamp.api.status_parts import FeatureShare, GateRate, GateStatus, WeightChange
from davylamp.gates import Judgement
from davylamp.rollout.stages import IN_TRAFFIC

History = tuple[HistoryEntry, ...]
Judgements = Mapping[str, Judgement]


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An attempt with traffic that a decision ended: what was judged, from when on, and how."""

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
    judgements: Judgements = field(default_factory=dict)
    """By gate: what it answered in the pass that ended the attempt."""
    gates: tuple[GateStatus, ...] = ()
    """What the status said of the gates before; where nothing was judged, that still stands."""

    @property
    def in_probation(self) -> bool:
        """Whether the revision had been promoted already."""
        return self.plan is None


def ended_attempt(
    before: ModelDeploymentStatus, entry: HistoryEntry, judgements: Judgements
) -> EndedAttempt | None:
    """The attempt that a new history entry ends; None for one that never had traffic.

    Args:
        before: the status that the move was made in.
        entry: how the attempt ended, and when.
        judgements: about the revision of the entry, by gate.
    """
    candidate, stable = before.candidate, before.stable
    if candidate is not None:
        if candidate.revision != entry.revision or not _had_traffic(candidate, entry.at):
            return None
        return _of_canary(entry, candidate, stable, judgements)
    if not (before.previous and stable and stable.revision == entry.revision):
        return None
    if stable.promoted_at < entry.at:  # else the canary is recorded that ended in this very pass
        return _of_probation(entry, stable, before.previous, before.probation_gates, judgements)
    return None


def marked(history: History, ended: HistoryEntry, name: str) -> History:
    """The history with a new record; an older attempt whose record it replaced has none."""

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


def _had_traffic(candidate: Candidate, at: datetime) -> bool:
    """Whether it was in traffic before this very pass: a Service is opened after the decision."""
    if candidate.stage not in IN_TRAFFIC:
        return False
    return (candidate.canary_at or candidate.stage_at) < at


def _of_canary(
    entry: HistoryEntry, candidate: Candidate, stable: Stable | None, judgements: Judgements
) -> EndedAttempt:
    return EndedAttempt(
        entry,
        candidate.started_at,
        candidate.canary_at,
        candidate.weights,
        stable=RevisionRef(**identity(stable)) if stable else None,
        baseline=candidate.baseline,
        plan=candidate.plan,
        judgements=judgements,
        gates=candidate.gates,
    )


def _of_probation(
    entry: HistoryEntry,
    stable: Stable,
    previous: Previous,
    gates: tuple[GateStatus, ...],
    judgements: Judgements,
) -> EndedAttempt:
    """Nothing is left to compare with: all traffic is its own."""
    at = stable.promoted_at
    weights = (WeightChange(weight=100, share="1", at=at),)
    return EndedAttempt(
        entry, at, at, weights, rates=previous.rates, judgements=judgements, gates=gates
    )


def _with(entry: HistoryEntry, recording: str | None) -> HistoryEntry:
    return entry.model_copy(update={"recording": recording})
