"""Keeps what the gates saw of a turn that ended: written after the fence and before the status.

A record is there to be looked at later, so nothing waits for it for long and nothing fails with it.
Old ones go before the status forgets their names, so that a crash leaves a way to find them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Protocol

from davylamp.adapters.errors import Forbidden, NotLeader, OperatorError, Retryable
from davylamp.api.gate_status import GateStatus
from davylamp.api.names import Reason
from davylamp.api.status import ModelDeploymentStatus, RevisionRef, identity
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.cache import Key
from davylamp.controller.logs import about
from davylamp.controller.reconcile.executor import Task
from davylamp.gates.recording.store import Recording
from davylamp.manifests.flight_record import Flight, flight_name, flight_record
from davylamp.rollout import Observation
from davylamp.rollout.attempts import Ended, ended_turn, marked, newest_recorded, recordings
from davylamp.rollout.report.status import report
from davylamp.rollout.situation import Situation

PATIENCE: Final = 5.0
"""Seconds that a status waits for its record at most; a bad revision is fenced by then."""
_ENDINGS: Final = frozenset(
    {Reason.PROMOTED, Reason.ROLLED_BACK, Reason.ABORTED, Reason.SUPERSEDED}
)
_log = logging.getLogger(__name__)


class Tape(Protocol):
    """Who has what was read of the pods."""

    def recording(self, key: Key) -> Recording | None:
        """What was read for the rollout that is followed now; None where nothing is."""


class FlightRecorder:
    """Writes a record of each turn with traffic, and keeps as many as earlier revisions are kept.

    Args:
        applier: writes them.
        tape: has the samples.
        scrape_interval: seconds between scrapes, as the gates take it.
        patience: seconds that a decision waits for its record at most.
    """

    def __init__(
        self, applier: Applier, tape: Tape, *, scrape_interval: float, patience: float = PATIENCE
    ) -> None:
        self._applier = applier
        self._tape = tape
        self._scrape_interval = scrape_interval
        self._patience = patience

    async def keep(self, task: Task, before: ModelDeploymentStatus, seen: Observation) -> Task:
        """Write the record of the turn that a decision ends, if it ends one.

        Returns the task with the record's name in the history, unchanged where it was not written.
        """
        ended = ended_turn(before, task.decision.status)
        if ended is None:
            return task
        deadline = asyncio.get_running_loop().time() + self._patience
        log = about(_log, **task.owner.fields(), revision=ended.entry.revision)
        try:
            async with asyncio.timeout_at(deadline):
                name = await self._written(task, ended, before, seen)
        except TimeoutError:
            log.warning("what the gates saw is not recorded: it took too long")
            return task
        except OperatorError as error:
            log.warning("what the gates saw is not recorded: %s", error)
            return task
        except Exception:  # a defect of a record must not hold up a rollback
            log.exception("what the gates saw is not recorded")
            return task
        history = marked(task.decision.status.history, ended.entry, name)
        fewer = newest_recorded(history, seen.rollout.history)
        gone = recordings(before.history) - recordings(fewer)
        if await self._discarded(task, gone, deadline):
            history = fewer
        status = task.decision.status.model_copy(update={"history": history})
        return replace(task, decision=replace(task.decision, status=status))

    async def _written(
        self, task: Task, ended: Ended, before: ModelDeploymentStatus, seen: Observation
    ) -> str:
        """The name of the record, once it is stored."""
        manifest = await asyncio.to_thread(  # packing takes longer than others should wait
            flight_record,
            task.owner,
            _flight(task, ended, before, seen, self._scrape_interval),
            self._tape.recording(task.key),
            repository=_repository(task, ended.entry.revision),
            plan=ended.plan or seen.rollout,
        )
        await _tried_twice(partial(self._applier.store, task.owner, manifest))
        return flight_name(task.owner, ended.entry.revision, probation=ended.in_probation)

    async def _discarded(self, task: Task, names: frozenset[str], deadline: float) -> bool:
        """Whether records could be deleted; if not, the end of the next turn tries again."""
        log = about(_log, **task.owner.fields())
        try:
            async with asyncio.timeout_at(deadline):
                for name in sorted(names):
                    discard = partial(self._applier.discard, task.owner, "ConfigMap", name)
                    await _tried_twice(discard)
        except (OperatorError, TimeoutError) as error:
            log.warning("old records are not deleted: %s", str(error) or "it took too long")
            return False
        return True


async def _tried_twice(request: Callable[[], Awaitable[None]]) -> None:
    """Make a request that no later pass makes again, and repeat it after a passing fault."""
    try:
        await request()
    except (Forbidden, NotLeader):
        raise
    except Retryable:
        await request()


def operator_version() -> str:
    """The version of this operator."""
    try:
        return version("davylamp")
    except PackageNotFoundError:
        return "unknown"


def _flight(
    task: Task,
    ended: Ended,
    before: ModelDeploymentStatus,
    seen: Observation,
    scrape_interval: float,
) -> Flight:
    entry = ended.entry
    told = (n for n in task.decision.notices if n.reason in _ENDINGS)
    return Flight(
        operator=operator_version(),
        namespace=task.owner.namespace,
        name=task.owner.name,
        phase="Probation" if ended.in_probation else "Canary",
        candidate=RevisionRef(**identity(entry)),
        stable=ended.stable,
        started_at=ended.started_at,
        canary_at=ended.canary_at,
        ended_at=entry.at,
        outcome=entry.outcome,
        reason=entry.reason,
        message=next((n.message for n in told if n.revision == entry.revision), ""),
        weights=ended.weights,
        scrape_interval=scrape_interval,
        gates=_gates(task, before, seen),
        baseline=ended.baseline,
        rates=ended.rates,
    )


def _gates(task: Task, before: ModelDeploymentStatus, seen: Observation) -> tuple[GateStatus, ...]:
    """What the gates saw last: as the status would tell it, had the decision not been taken."""
    told = before.candidate.gates if before.candidate else before.probation_gates
    candidate = before.candidate and before.candidate.model_copy(update={"gates": ()})
    blank = before.model_copy(update={"candidate": candidate, "probation_gates": ()})
    fresh = report(Situation(blank, seen, name=task.owner.name), task.decision.desired)
    return (fresh.candidate.gates if fresh.candidate else fresh.probation_gates) or told


def _repository(task: Task, revision: str) -> str:
    """Image repository of a revision, by its record; by the spec where that is gone."""
    made = task.world.records.get(revision)
    found = objects.field(made, "data", "intent", "image", "repository")
    if isinstance(found, str):
        return found
    return task.spec.image.repository if task.spec else "unknown"
