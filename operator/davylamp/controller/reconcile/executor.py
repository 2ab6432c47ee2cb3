"""Makes the writes of a plan in their order: the one place that goes on, stops and tries again.

A refused write keeps only those from being made that need it (`Write.needs`). What the API server
answered is remembered (`Obstacles`) and told by the status, one Event and a metric. No refusal ends a
pass, so the clocks of a rollout go on under it; only the loss of leadership does.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from davylamp.adapters.errors import Forbidden, NotFound, NotLeader, OperatorError, Terminal
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.api.status import to_json
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.cluster.stored import Identity
from davylamp.controller.cluster.writes import (
    Apply,
    Blocked,
    Consume,
    Fence,
    IfRefused,
    Replace,
    WriteStep,
)
from davylamp.controller.commands.consumer import Consumer
from davylamp.controller.fairness.pace import Pace
from davylamp.controller.logs import about
from davylamp.controller.obstacles.announcer import Announcer
from davylamp.controller.obstacles.obstacles import TELL_SOON, Obstacles
from davylamp.controller.obstacles.refusals import Refusals, RefusedJob
from davylamp.controller.reconcile.flight_recorder import FlightRecorder
from davylamp.controller.reconcile.following import Following
from davylamp.controller.reconcile.writes import (
    DiscardFlight,
    FlightWrite,
    Kept,
    PlannedWrite,
    PostEvent,
    Progress,
    StoreFlight,
    WritePlan,
    WriteStatus,
)
from davylamp.rollout import Notice

TRY_SOON: Final = 1.0
"""Seconds until what was left out is written."""
UNHURRIED: Final = timedelta(seconds=6)
"""After so long a pass whose writes time out leaves all that is not urgent to the next."""
EVENTS_IN_A_ROW: Final = 50
"""Events about one model that are posted as soon as something happens."""
EVENTS_PER_SECOND: Final = 0.1
"""The pace after that: what changes without end is counted and logged, and fills no etcd."""
_URGENT: Final = frozenset({WriteStep.FENCE, WriteStep.STATUS, WriteStep.EVENTS})
_log = logging.getLogger(__name__)


class Executor:
    """Carries plans out.

    Args:
        cluster: where status and Events are written to.
        cache: learns of our writes at once.
        applier: writes all other objects.
        recorder: writes flight records.
        consumer: takes commands off that were answered.
        following: is aimed by each status that was written.
        obstacles: what is refused.
        refusals: what is refused of the nightly job.
        announcer: tells what is refused.
        on_notice: is called with each notice.
        clock: the time.
    """

    def __init__(  # noqa: PLR0913  (its collaborators, each needed)
        self,
        *,
        cluster: Cluster,
        cache: ObjectCache,
        applier: Applier,
        recorder: FlightRecorder,
        consumer: Consumer,
        following: Following,
        obstacles: Obstacles,
        refusals: Refusals,
        announcer: Announcer,
        on_notice: Callable[[Key, Notice], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._applier = applier
        self._recorder = recorder
        self._consumer = consumer
        self._following = following
        self._obstacles = obstacles
        self._refusals = refusals
        self._announcer = announcer
        self._on_notice = on_notice
        self._clock = clock
        self._events: Pace[Key] = Pace(burst=EVENTS_IN_A_ROW, per_second=EVENTS_PER_SECOND)

    async def carry_out(self, plan: WritePlan) -> float | None:
        """Make all writes of a plan that can be made.

        Returns the seconds until the next pass has something to try again or to tell; None when
        there is nothing.

        Raises:
            NotLeader: another process acts.
        """
        key, progress = plan.parent.key, Progress(self._clock())
        if plan.is_whole:
            self._obstacles.keep(key, {write.key for write in plan.writes})
        self._refusals.clear_jobs(key, plan.cleared)
        for step in WriteStep:
            if step is WriteStep.FLIGHT_RECORD:
                progress.kept = await self._flights(plan)
                continue
            for write in plan.of(step):
                await self._try(plan, write, progress)
        now = self._clock()
        await self._announcer.announce(plan.parent.owner, plan.parent.revision, now)
        return self._due_in(plan, progress, now)

    async def _try(self, plan: WritePlan, write: PlannedWrite, progress: Progress) -> None:
        """Make one write, unless what it needs is missing or it would only be refused again."""
        key = plan.parent.key
        if self._is_left_out(plan, write, progress):
            progress.missing.add(write.key)
            return
        try:
            await self._made(plan, write, progress)
        except NotLeader:
            raise
        except OperatorError as error:
            progress.missing.add(write.key)
            await self._refused(plan, write, error)
        else:
            self._obstacles.clear(key, write.key)

    def _is_left_out(self, plan: WritePlan, write: PlannedWrite, progress: Progress) -> bool:
        key, now = plan.parent.key, self._clock()
        if self._obstacles.waits(key, write, now):
            return True
        needs = write.needs
        if write.step > WriteStep.STATUS:
            needs |= {status.key for status in plan.of(WriteStep.STATUS)}
        if needs & (progress.missing | self._obstacles.lasting(key, now)):
            progress.is_rest_due = True
            progress.held.add(write.key)
            return True
        is_late = now - progress.began > UNHURRIED and write.step not in _URGENT
        progress.is_rest_due |= is_late
        return is_late

    async def _refused(self, plan: WritePlan, write: PlannedWrite, error: OperatorError) -> None:
        """What the rule of its step does about a refused write."""
        key, rule = plan.parent.key, write.if_refused
        if rule is IfRefused.LOG:
            _warn(plan, write, error)
        elif rule is IfRefused.CONDITION and isinstance(error, Terminal | Forbidden):
            _warn(plan, write, error)
            if isinstance(write, Apply | Replace):
                refused = RefusedJob(write.manifest, str(error), plan.now)
                self._refusals.note_job(key, write.kind, refused)
        elif self._obstacles.note(key, write, error, self._clock()):
            _warn(plan, write, error)
        if isinstance(write, Fence):
            instead = await self._second_way(plan, write)
            self._obstacles.note_second_way(key, write, instead)

    async def _second_way(self, plan: WritePlan, fence: Fence) -> str:
        """Take revisions out of traffic in another way; what was done, or why nothing was."""
        refused: OperatorError | None = None
        for way in fence.ways:
            try:
                for write in way.writes:
                    await self._made(plan, write, Progress(plan.now))
            except NotLeader:
                raise
            except OperatorError as error:
                refused = error
            else:
                return way.done
        if refused is not None:
            return f"every other way was refused too: {refused}"
        return fence.no_way

    async def _made(self, plan: WritePlan, write: PlannedWrite, progress: Progress) -> None:
        """Make one write."""
        owner = plan.parent.owner
        match write:
            case Blocked():
                raise write.error
            case StoreFlight() | DiscardFlight():
                raise AssertionError("flight records are written together")
            case WriteStatus():
                await self._write_status(plan, write, progress)
            case PostEvent():
                await self._tell(plan, write, progress.changed)
            case Consume():
                progress.consumed |= await self._consumer.consume(owner, write)
            case _:
                if await self._applier.write(owner, write):
                    progress.changed.add((write.kind, write.name))

    async def _flights(self, plan: WritePlan) -> Kept:
        flights = [w for w in plan.of(WriteStep.FLIGHT_RECORD) if isinstance(w, FlightWrite)]
        return await self._recorder.keep(plan.parent.owner, flights)

    async def _write_status(self, plan: WritePlan, write: WriteStatus, progress: Progress) -> None:
        """Write the status if it is due; what the API server answers is what is known next."""
        parent = plan.parent
        obstruction = self._obstacles.obstruction(parent.key, self._clock())
        status = write.status(progress.kept, obstruction)
        if obstruction is None and not plan.is_whole:
            status = parent.status  # nothing was decided, and there is nothing to tell yet
        if write.is_due(status):
            try:
                answer = await self._cluster.apply_status(
                    {**parent.manifest, "status": to_json(status)}
                )
            except NotFound:
                pass  # deleted meanwhile; its children go with it
            else:
                self._cache.put(answer)
        else:
            status = parent.status
        progress.is_written, progress.shown = True, obstruction
        if plan.children is not None:
            self._following.aim(parent, plan.children, status, plan.rollout)

    async def _tell(self, plan: WritePlan, write: PostEvent, changed: set[Identity]) -> None:
        """Count and log a notice, and post its Event, unless the write that it tells changed nothing."""
        if write.if_changed is not None and write.if_changed not in changed:
            return
        notice, key, now = write.notice, plan.parent.key, self._clock().timestamp()
        self._on_notice(key, notice)
        log = about(_log, **plan.parent.owner.fields(), revision=notice.revision)
        log.info("%s: %s", notice.reason, notice.message)
        if self._events.due(key) <= now:
            self._events.note(key, now)
            await self._cluster.create_event(write.manifest)

    def _due_in(self, plan: WritePlan, progress: Progress, now: datetime) -> float | None:
        """Seconds until a refused write is tried again, or something has to be told."""
        key = plan.parent.key
        moments = [self._obstacles.due_in(key, now, held=progress.held)]
        is_shown = progress.shown == self._obstacles.obstruction(key, now)
        is_news = _messages(plan.refused_jobs) != _messages(self._refusals.jobs(key))
        if progress.consumed:
            moments.append(TELL_SOON)
        if progress.is_written and (is_news or not is_shown):
            moments.append(self._obstacles.tell_in(key, now))
        if progress.is_rest_due and moments == [None]:
            moments.append(TRY_SOON)
        return min((moment for moment in moments if moment is not None), default=None)


def _messages(jobs: Mapping[str, RefusedJob]) -> Mapping[str, str]:
    return {kind: job.message for kind, job in jobs.items()}


def _warn(plan: WritePlan, write: PlannedWrite, error: OperatorError) -> None:
    fields = plan.parent.owner.fields()
    if isinstance(write, PostEvent):
        log = about(_log, **fields, revision=write.notice.revision)
        log.warning("event %s was not posted: %s", write.name, error)
    else:
        step = write.step.name.lower()
        about(_log, **fields).warning("%s of %s %s: %s", step, write.kind, write.name, error)
