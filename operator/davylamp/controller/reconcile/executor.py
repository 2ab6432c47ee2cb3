"""Makes the writes of a plan in their order: the one place that stops, retries and tells obstacles.

What a refused write does to the rest is a rule of its step (`IfRefused`). A lasting refusal is kept
across passes and shown in the status until a pass goes through without it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, assert_never

from davylamp.adapters.errors import Forbidden, NotFound, OperatorError, Terminal
from davylamp.adapters.kubernetes.cluster import Cluster
from davylamp.api.status import to_json
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.cluster.refusals import Refusal, Refusals, RefusedJob, refusal_of
from davylamp.controller.cluster.stored import Identity
from davylamp.controller.cluster.writes import (
    Adopt,
    Apply,
    Blocked,
    Claim,
    Delete,
    FillInReplicas,
    Freeze,
    IfRefused,
    Replace,
    WriteStep,
)
from davylamp.controller.logs import about
from davylamp.controller.reconcile.flight_recorder import FlightRecorder
from davylamp.controller.reconcile.following import Following
from davylamp.controller.reconcile.writes import (
    DiscardFlight,
    FlightWrite,
    Kept,
    PlannedWrite,
    PostEvent,
    StoreFlight,
    WritePlan,
    WriteStatus,
)
from davylamp.manifests import Owner
from davylamp.rollout import Notice

TELL_SOON: Final = 0.1
"""Seconds until the pass that tells what was refused after this one had written its status."""
TELL_AGAIN: Final = 10.0
"""The same where the status shows another obstacle already: changing sentences must not spin."""
_AFTER_A_REFUSAL: Final = frozenset({WriteStep.FLIGHT_RECORD, WriteStep.STATUS, WriteStep.EVENTS})
_log = logging.getLogger(__name__)


@dataclass
class _Progress:
    """What became of a plan so far."""

    refused: OperatorError | None = None
    """What ends the pass once the status shows it."""
    changed: set[Identity] = field(default_factory=set)
    """Objects whose write changed what somebody else had made of them."""
    kept: Kept = Kept.NOTHING
    is_written: bool = False
    """Whether the status says what it should."""
    shown: Refusal | None = None
    """The obstacle that it shows."""


class Executor:
    """Carries plans out.

    Args:
        cluster: where status and Events are written to.
        cache: learns of our writes at once.
        applier: writes all other objects.
        recorder: writes flight records.
        following: is aimed by each status that was written.
        refusals: what was refused before.
        on_notice: is called with each notice.
    """

    def __init__(  # noqa: PLR0913  (its collaborators, each needed)
        self,
        *,
        cluster: Cluster,
        cache: ObjectCache,
        applier: Applier,
        recorder: FlightRecorder,
        following: Following,
        refusals: Refusals,
        on_notice: Callable[[Key, Notice], None],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._applier = applier
        self._recorder = recorder
        self._following = following
        self._refusals = refusals
        self._on_notice = on_notice

    async def carry_out(self, plan: WritePlan) -> float | None:
        """Make all writes of a plan.

        Returns the seconds until a pass has to tell what this one could not; None otherwise.

        Raises:
            OperatorError: what ended the pass before its last write.
        """
        key, progress = plan.parent.key, _Progress()
        before = self._refusals.obstacle(key)
        try:
            await self._steps(plan, progress)
        except (Terminal, Forbidden) as error:
            self._refusals.note_obstacle(key, error)
            if not progress.is_written or progress.shown == refusal_of(error):
                raise
            return TELL_SOON if before is None else TELL_AGAIN
        self._refusals.note_obstacle(key, None)
        await self._nightly(plan)
        is_news = _messages(plan.refused_jobs) != _messages(self._refusals.jobs(key))
        return TELL_SOON if progress.shown or is_news else None

    async def _steps(self, plan: WritePlan, progress: _Progress) -> None:
        """Every step but the last; after a refusal only those by which people see it."""
        for step in WriteStep:
            if step is WriteStep.NIGHTLY:
                break
            if progress.refused is None or step in _AFTER_A_REFUSAL:
                await self._step(plan, step, progress)
        if progress.refused is not None:
            raise progress.refused

    async def _step(self, plan: WritePlan, step: WriteStep, progress: _Progress) -> None:
        """Make the writes of a step up to the first refused one; a fence tries each of its own."""
        if step is WriteStep.FLIGHT_RECORD:
            progress.kept = await self._flights(plan)
            return
        for write in plan.of(step):
            try:
                await self._made(plan, write, progress)
            except OperatorError as error:
                if not _goes_on(write, error):
                    raise
                if write.if_refused is IfRefused.LOG:
                    _warn(plan, write, error)
                    continue
                progress.refused = progress.refused or error
                if step is not WriteStep.FENCE:
                    return

    async def _made(self, plan: WritePlan, write: PlannedWrite, progress: _Progress) -> None:
        """Make one write."""
        owner = plan.parent.owner
        match write:
            case Claim():
                await self._applier.names_are_ours(owner, (write.manifest,))
            case Adopt() | Apply():
                if await self._changed(owner, write):
                    progress.changed.add((write.kind, write.name))
            case Freeze():
                await self._applier.freeze(owner, write.manifest)
            case Replace():
                await self._applier.replace(owner, write.stale, write.manifest)
            case Delete():
                await self._applier.remove(owner, write.manifest)
            case FillInReplicas():
                await self._applier.fill_in_replicas(owner, write.replicas)
            case Blocked():
                raise write.error
            case WriteStatus():
                await self._write_status(plan, write, progress)
            case PostEvent():
                await self._tell(plan, write, progress.changed)
            case StoreFlight() | DiscardFlight():
                raise AssertionError("flight records are written together")
            case _:
                assert_never(write)

    async def _changed(self, owner: Owner, write: Adopt | Apply) -> bool:
        """Make a write; whether it changed what somebody else had made."""
        if isinstance(write, Apply):
            return await self._applier.ensure(owner, write.manifest)
        await self._applier.adopt(owner, write.orphan)
        return True

    async def _flights(self, plan: WritePlan) -> Kept:
        writes = plan.of(WriteStep.FLIGHT_RECORD)
        flights: list[FlightWrite] = [w for w in writes if isinstance(w, FlightWrite)]
        return await self._recorder.keep(plan.parent.owner, flights)

    async def _write_status(self, plan: WritePlan, write: WriteStatus, progress: _Progress) -> None:
        """Write the status if it is due; what the API server answers is what is known next."""
        parent = plan.parent
        obstacle = refusal_of(progress.refused) or refusal_of(self._refusals.obstacle(parent.key))
        status = write.status(progress.kept, obstacle)
        if write.is_due(status):
            try:
                answer = await self._cluster.apply_status(
                    {**parent.manifest, "status": to_json(status)}
                )
            except NotFound:
                pass  # deleted meanwhile; its children go with it
            else:
                self._cache.put(answer)
        progress.is_written, progress.shown = True, obstacle
        if plan.children is not None:
            self._following.aim(parent, plan.children, status, plan.rollout)

    async def _tell(self, plan: WritePlan, write: PostEvent, changed: set[Identity]) -> None:
        """Count and log a notice, and post its Event, unless the write that it tells changed nothing."""
        if write.if_changed is not None and write.if_changed not in changed:
            return
        notice = write.notice
        self._on_notice(plan.parent.key, notice)
        log = about(_log, **plan.parent.owner.fields(), revision=notice.revision)
        log.info("%s: %s", notice.reason, notice.message)
        await self._cluster.create_event(write.manifest)

    async def _nightly(self, plan: WritePlan) -> None:
        """The last step; refusals of its objects are remembered by kind."""
        key = plan.parent.key
        self._refusals.clear_jobs(key, plan.cleared)
        for write in plan.of(WriteStep.NIGHTLY):
            try:
                await self._made(plan, write, _Progress())
            except (Terminal, Forbidden) as error:
                _warn(plan, write, error)
                if isinstance(write, Apply | Replace):
                    refused = RefusedJob(write.manifest, str(error), plan.now)
                    self._refusals.note_job(key, write.kind, refused)


def _messages(jobs: Mapping[str, RefusedJob]) -> Mapping[str, str]:
    return {kind: refused.message for kind, refused in jobs.items()}


def _goes_on(write: PlannedWrite, error: OperatorError) -> bool:
    """Whether something more is written in a pass after a write was refused."""
    match write.if_refused:
        case IfRefused.STOP:
            return False
        case IfRefused.RETRY:
            return isinstance(error, Terminal | Forbidden)
        case IfRefused.TELL | IfRefused.LOG | IfRefused.CONDITION:
            return True


def _warn(plan: WritePlan, write: PlannedWrite, error: OperatorError) -> None:
    fields = plan.parent.owner.fields()
    if isinstance(write, PostEvent):
        log = about(_log, **fields, revision=write.notice.revision)
        log.warning("event %s was not posted: %s", write.name, error)
    else:
        about(_log, **fields).warning("%s of %s: %s", write.step.name.lower(), write.kind, error)
