"""Writes as values: which step of a pass they belong to, and what becomes of a refused one. Pure.

Any write may be the last before a crash, so each prefix of a plan has to be a state from which the
next pass goes on to the same end. `WriteStep` is that order, and the only place where it is said.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Final, NamedTuple, TypeAlias

from typing_extensions import override

from davylamp.adapters.errors import OperatorError
from davylamp.api.names import Command
from davylamp.controller.cluster.owning.ownership import Orphan
from davylamp.controller.cluster.stored import identity_of
from davylamp.rollout import Notice
from davylamp.schema.json import JsonObject

TRIED_AGAIN: Final = timedelta(minutes=5)
"""After which a refused write is made again that nothing waits for."""


class WriteStep(IntEnum):
    """The steps of a pass, in the order in which their writes are made."""

    FENCE = 1
    RECORD = 2
    GROW = 3
    FLIGHT_RECORD = 4
    STATUS = 5
    EVENTS = 6
    COMMANDS = 7
    ADMIT = 8
    SHRINK = 9
    REPLICAS = 10
    NIGHTLY = 11


class IfRefused(Enum):
    """What a refused write does to the rest of its plan."""

    SECOND_WAY = (
        "told as `FenceRefused`; the revision is scaled down at once, in whatever way works, and "
        "nothing grows that the Service would let in"
    )
    TELL = "told; only what needs this very write is left out"
    STOP = "told by an Event and a metric; nothing of the steps below is written"
    LOG = "a line in the log; nothing waits for it"
    CONDITION = "reported in the condition `ExplanationsStable`, retried after five minutes"


class StepRule(NamedTuple):
    """What a step is: its writes, why they are made there, and what happens if one is refused."""

    title: str
    writes: str
    why: str
    if_refused: IfRefused


RULES: Final = {
    WriteStep.FENCE: StepRule(
        "Fence",
        "Services stop admitting what they must not",
        "a rollback waits for nothing: no pod, no status, no Prometheus",
        IfRefused.SECOND_WAY,
    ),
    WriteStep.RECORD: StepRule(
        "Record",
        "names of Services are checked, orphans are adopted; copy of pinned Secrets, then the record of a new revision",
        "everything of a revision is made from its record, also after a crash",
        IfRefused.TELL,
    ),
    WriteStep.GROW: StepRule(
        "Grow",
        "disruption budgets, ConfigMaps, Deployments: created, scaled up, manual edits reverted; stable first",
        "traffic may only be opened to what exists",
        IfRefused.TELL,
    ),
    WriteStep.FLIGHT_RECORD: StepRule(
        "Flight record",
        "the flight record of an attempt that ended; older ones are deleted; 5 s at most",
        "the status names it, and what it was made from is about to go",
        IfRefused.LOG,
    ),
    WriteStep.STATUS: StepRule(
        "Status",
        "the status, once, only if it changed, under the version it was decided on",
        "a decision is remembered before anything destroys what it was taken from",
        IfRefused.STOP,
    ),
    WriteStep.EVENTS: StepRule(
        "Events",
        "one Event for each notice",
        "they report what is now remembered, and may be lost",
        IfRefused.LOG,
    ),
    WriteStep.COMMANDS: StepRule(
        "Commands",
        "annotations of commands that were answered are taken off the object",
        "the status has the answer, so that a crash does not make one command two",
        IfRefused.LOG,
    ),
    WriteStep.ADMIT: StepRule(
        "Admit",
        "Services admit what they may",
        "a weight is in the status before its traffic: evidence is counted from there",
        IfRefused.TELL,
    ),
    WriteStep.SHRINK: StepRule(
        "Shrink",
        "scale down; delete revisions that nobody needs, their record last, and budgets of those without pods",
        "nothing that may still have traffic is killed",
        IfRefused.TELL,
    ),
    WriteStep.REPLICAS: StepRule(
        "Replicas",
        "`spec.replicas` where the spec has none, through the scale subresource",
        "a HorizontalPodAutoscaler reads it there; what runs was decided without it",
        IfRefused.LOG,
    ),
    WriteStep.NIGHTLY: StepRule(
        "Nightly",
        "CronJob and Jobs of `spec.explanations`",
        "they only watch, so nothing waits for them",
        IfRefused.CONDITION,
    ),
}
"""Each step in words; the table in docs/ARCHITECTURE.md is made of this."""


class WriteKey(NamedTuple):
    """What a write is about, by which others need it and by which a refused one is known again."""

    step: WriteStep
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Write:
    """One write: its step, and the object that it is about."""

    step: WriteStep
    kind: str
    name: str
    needs: frozenset[WriteKey] = field(default=frozenset(), kw_only=True, repr=False)
    """Writes that have to be made before this one makes sense."""
    opens: bool = field(default=False, kw_only=True)
    """Whether what serves gets no traffic through this object before it is written."""

    @property
    def key(self) -> WriteKey:
        """By what others need it."""
        return WriteKey(self.step, self.kind, self.name)

    @property
    def if_refused(self) -> IfRefused:
        """What a refusal does to the rest of the plan."""
        return RULES[self.step].if_refused


@dataclass(frozen=True, slots=True)
class ManifestWrite(Write):
    """A write of one object; its content may be a Secret's, so it is never printed."""

    manifest: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConfirmName(ManifestWrite):
    """Make sure that nobody else has a name that is needed later: a read, told as a refused write."""


@dataclass(frozen=True, slots=True)
class Adopt(Write):
    """Make an object that was left behind ours again: nothing of it is changed but its owners."""

    orphan: Orphan = field(repr=False)


@dataclass(frozen=True, slots=True)
class Apply(ManifestWrite):
    """Make an object say what the manifest says."""

    restores: Notice | None = None
    """Told if the write changed what somebody else had edited."""


@dataclass(frozen=True, slots=True)
class Delete(ManifestWrite):
    """Delete an object as it is stored; one that is only known by its name is deleted by it."""

    @property
    @override
    def if_refused(self) -> IfRefused:
        """What cannot be deleted of the nightly job is in nobody's way."""
        return IfRefused.LOG if self.step is WriteStep.NIGHTLY else RULES[self.step].if_refused


@dataclass(frozen=True, slots=True)
class Scale(ManifestWrite):
    """Set a Deployment's number of pods through its own subresource, and nothing else of it.

    That is another resource to roles, webhooks and policies, so it may work where `Apply` does not.
    """

    replicas: int = 0


class SecondWay(NamedTuple):
    """Another way to take pods out of traffic; it works if each of its writes does."""

    done: str
    """What is told when it has worked."""
    writes: tuple[Apply | Scale | Delete, ...]


@dataclass(frozen=True, slots=True)
class Fence(Apply):
    """Make a Service shut revisions out, or else take them out in the first way that works."""

    shuts_out: tuple[str, ...] = ()
    """Every revision that the Service lets in and must not."""
    stops: tuple[str, ...] = ()
    """Those of them that have pods and shall have none: a refusal of this fence is an alert."""
    ways: tuple[SecondWay, ...] = field(default=(), repr=False)
    """Empty where nobody else behind the Service could answer: no bad answer is worse than none."""
    no_way: str = ""
    """What is told where there is none."""


@dataclass(frozen=True, slots=True)
class Freeze(ManifestWrite):
    """Create an immutable object, in place of one that a pass left behind that was cut short."""


@dataclass(frozen=True, slots=True)
class Replace(ManifestWrite):
    """Delete an object that cannot be changed, and create it anew."""

    stale: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True)
class Consume(Write):
    """Take an answered command off its ModelDeployment, unless it says something else by now."""

    command: Command
    value: str = field(repr=False)
    answered_at: datetime | None
    """None where an operator of an earlier version answered it."""


@dataclass(frozen=True, slots=True)
class FillInReplicas(Write):
    """Say in the spec how many pods there are, unless it says so by now."""

    replicas: int


@dataclass(frozen=True, slots=True)
class Blocked(Write):
    """A write that cannot be planned, because what it needs could not be read."""

    error: OperatorError


ObjectWrite: TypeAlias = (
    Adopt | Apply | ConfirmName | Delete | FillInReplicas | Freeze | Replace | Scale
)
"""What is written to an object of the cluster; a `Fence` is an `Apply`."""


def apply(
    step: WriteStep,
    manifest: JsonObject,
    *,
    restores: Notice | None = None,
    needs: Iterable[WriteKey] = (),
) -> Apply:
    """An object made to say what its manifest says."""
    return Apply(step, *identity_of(manifest), manifest, restores, needs=frozenset(needs))


def adopt(step: WriteStep, orphan: Orphan) -> Adopt:
    """An orphan made ours."""
    return Adopt(step, *identity_of(orphan.item), orphan)


def delete(step: WriteStep, item: JsonObject, *, needs: Iterable[WriteKey] = ()) -> Delete:
    """An object deleted."""
    return Delete(step, *identity_of(item), item, needs=frozenset(needs))
