"""The writes that tell what was decided, and the plan of a pass: all its writes in their order. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import TypeAlias

from davylamp.api.child_metadata import ChildMetadata
from davylamp.api.operator_claim import OperatorClaim
from davylamp.api.spec import Rollout
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.cluster.stored import Identity
from davylamp.controller.cluster.writes import (
    Blocked,
    Consume,
    ObjectWrite,
    Write,
    WriteKey,
    WriteStep,
)
from davylamp.controller.obstacles.refusals import RefusedJob
from davylamp.controller.reconcile.passes import Children, Parent
from davylamp.gates.recording.store import Recording
from davylamp.manifests import Privilege
from davylamp.manifests.flight_record import Flight
from davylamp.rollout import Notice
from davylamp.rollout.report.obstruction import Obstruction, obstructed
from davylamp.rollout.report.refresh import is_due
from davylamp.rollout.report.refusal import refused
from davylamp.schema.json import JsonObject


class Kept(Enum):
    """What became of the flight record of an attempt."""

    NOTHING = auto()
    RECORD = auto()
    """It is stored; not all that have to make room for it could be deleted."""
    RECORD_AND_LIMIT = auto()


@dataclass(frozen=True, slots=True)
class StoreFlight(Write):
    """Store a flight record; it is packed when it is written, as that takes a while."""

    flight: Flight
    recording: Recording | None = field(repr=False)
    repository: str
    """Image repository, so that the settings in the record are a valid ModelDeployment."""
    plan: Rollout


@dataclass(frozen=True, slots=True)
class DiscardFlight(Write):
    """Delete an old flight record, before the status forgets its name."""


FlightWrite: TypeAlias = StoreFlight | DiscardFlight


@dataclass(frozen=True, slots=True)
class WriteStatus(Write):
    """Write the status if it is due.

    Attributes:
        parent: what is written to, under the version that was decided on.
        decided: the new status, and how it names flight records by what became of them.
        now: the time of the decision.
        claim: which release looks after the object; alone it is no reason to write a status.
        rollouts: how many are judged at the moment.
    """

    parent: Parent = field(repr=False)
    decided: Mapping[Kept, ModelDeploymentStatus] = field(repr=False)
    now: datetime
    claim: OperatorClaim
    rollouts: int = 0

    def is_due(self, status: ModelDeploymentStatus) -> bool:
        """Whether a status is worth a write: decisions always are, numbers now and then."""
        return is_due(self.parent.status, status, self.now, rollouts=self.rollouts)

    def status(self, kept: Kept, obstruction: Obstruction | None) -> ModelDeploymentStatus:
        """The status to write, with why the spec is refused and what is in the decision's way."""
        status, known = self._told(kept, obstruction), self.parent.status
        if status == known and known.operator is None:
            return status
        return status.model_copy(update={"operator": self.claim})

    def _told(self, kept: Kept, obstruction: Obstruction | None) -> ModelDeploymentStatus:
        status, parent = self.decided[kept], self.parent
        if parent.refusal is not None:
            status = refused(
                status,
                generation=parent.generation,
                now=self.now,
                reason=parent.refusal.reason,
                message=parent.refusal.message,
                known=parent.status,
            )
        if obstruction is None:
            return status
        return obstructed(
            status,
            obstruction,
            generation=parent.generation,
            now=self.now,
            known=parent.status,
        )


@dataclass(frozen=True, slots=True)
class PostEvent(Write):
    """Tell a notice: Event, log and metric."""

    notice: Notice
    manifest: JsonObject = field(repr=False)
    if_changed: Identity | None = None
    """The object whose write has to have changed something."""


PlannedWrite: TypeAlias = (
    ObjectWrite | Blocked | Consume | DiscardFlight | PostEvent | StoreFlight | WriteStatus
)


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What plans are made with, whatever they are about."""

    reporter: str
    """Who posts Events."""
    operator: str
    """Version of this operator."""
    scrape_interval: float
    """Seconds between scrapes, as the gates take it."""
    children: ChildMetadata
    """What children carry by default, besides our labels."""
    release: str
    """This release, which claims what it writes a status of."""
    allowed: frozenset[Privilege] = frozenset()
    """What pods may have beyond the ordinary."""

    @property
    def claim(self) -> OperatorClaim:
        """The claim of this release."""
        return OperatorClaim(release=self.release)


@dataclass(frozen=True, slots=True)
class WritePlan:
    """All writes of one pass, in the order in which they are made."""

    parent: Parent
    children: Children | None
    """What they were planned on; None where nothing is followed."""
    rollout: Rollout
    """The rollout settings of the moment."""
    now: datetime
    writes: tuple[PlannedWrite, ...]
    refused_jobs: Mapping[str, RefusedJob] = field(default_factory=dict)
    """Objects of the nightly job that were refused before, by kind: the status tells of them."""
    cleared: tuple[str, ...] = ()
    """Kinds of the nightly job whose earlier refusal is over unless they are refused again."""
    is_whole: bool = True
    """Whether it has all writes that are wanted: what is refused of others is refused no more."""

    def of(self, step: WriteStep) -> Iterator[PlannedWrite]:
        """The writes of one step."""
        return (write for write in self.writes if write.step is step)


@dataclass
class Progress:
    """What became of a plan so far."""

    began: datetime
    missing: set[WriteKey] = field(default_factory=set)
    """Writes that were refused or left out."""
    held: set[WriteKey] = field(default_factory=set)
    """Writes left out because what they need is missing, which says when they are tried."""
    is_rest_due: bool = False
    """Whether something was left out although nothing is known to refuse it."""
    changed: set[Identity] = field(default_factory=set)
    """Objects whose write changed what somebody else had made of them."""
    kept: Kept = Kept.NOTHING
    consumed: bool = False
    """Whether a command was taken off the object, which the next pass has to see."""
    is_written: bool = False
    """Whether the status says what it should."""
    shown: Obstruction | None = None
    """What it says of refused writes."""
