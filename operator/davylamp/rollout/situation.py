"""One pass of a decision: the status, the observation, and the notices so far."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from davylamp.api.names import Reason
from davylamp.api.status import (
    MAX_REJECTED,
    Candidate,
    HistoryEntry,
    ModelDeploymentStatus,
    Outcome,
    Rejected,
    RevisionRef,
    identity,
)
from davylamp.rollout.attempts import EndedAttempt, ended_attempt
from davylamp.rollout.notices import Notice
from davylamp.rollout.observation import Observation
from davylamp.rollout.pods.state import Workload
from davylamp.rollout.routing.protocol import Router
from davylamp.rollout.routing.registry import router_of
from davylamp.schema.quantities import seconds

BELIEVED_AFTER: Final = timedelta(minutes=5)
"""How long a process looks on before it believes what the clock of another one says."""
MAX_STANDSTILL: Final = timedelta(hours=1)
"""How long the deadline clock may stand still because the metrics cannot be read."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Memory (the status), observation, and the notices of the moves made so far.

    `name` and `namespace` are the ModelDeployment's, for the commands in sentences.
    """

    status: ModelDeploymentStatus
    observation: Observation
    notices: tuple[Notice, ...] = field(default=())
    name: str = "NAME"
    namespace: str = ""
    attempt: EndedAttempt | None = None
    """The attempt with traffic that a move ended, if one did."""

    @property
    def router(self) -> Router:
        """The router in charge: the candidate's plan pins it, else the spec chooses."""
        candidate = self.status.candidate
        return router_of(candidate.plan if candidate else self.observation.rollout)

    def with_notice(self, notice: Notice) -> "Situation":
        """The situation with one more notice."""
        return replace(self, notices=(*self.notices, notice))

    def remember(self, **changes: object) -> "Situation":
        """The situation with changed fields of the status."""
        return replace(self, status=self.status.model_copy(update=changes))

    def with_candidate(self, **changes: object) -> "Situation":
        """The situation with changed fields of the candidate."""
        candidate = self.status.candidate
        assert candidate is not None  # noqa: S101  (callers have looked)
        return self.remember(candidate=candidate.model_copy(update=changes))

    def rejected(self, revision: str) -> Rejected | None:
        """The record of a rejection, if the revision was rejected."""
        return next((r for r in self.status.rejected if r.revision == revision), None)

    def was_stable(self, revision: str) -> bool:
        """Whether a revision served before and its record is still there to return to.

        One that was rolled back since then has to prove itself again.
        """
        outcomes = (h.outcome for h in self.status.history if h.revision == revision)
        last = next((o for o in outcomes if o is not Outcome.SUPERSEDED), None)
        ended_well = {Outcome.PROMOTED, Outcome.RETURNED}
        return revision in self.observation.recorded and last in ended_well

    def serving(self) -> Workload | None:
        """The workload of the stable revision, if there is one."""
        stable = self.status.stable
        return self.observation.workload(stable.revision) if stable else None

    def ended(
        self, ref: RevisionRef, outcome: Outcome, reason: str, *, by: str | None = None
    ) -> "Situation":
        """The situation with a new history entry, without the oldest ones of its kind."""
        entry = HistoryEntry(
            **identity(ref),
            outcome=outcome,
            reason=reason,
            at=self.observation.now,
            by=by,
            started_by=ref.started_by if isinstance(ref, Candidate) else None,
        )
        attempt = ended_attempt(self.status, entry, self.observation.judgements_of(ref.revision))
        history = _bounded((entry, *self.status.history), self.observation)
        return replace(self.remember(history=history), attempt=attempt or self.attempt)

    def rejecting(
        self, ref: RevisionRef, reason: Reason, message: str, *, checks: tuple[str, ...] = ()
    ) -> "Situation":
        """The situation in which a revision is rejected, and for which checks of its plan."""
        now = self.observation.now
        entry = Rejected(**identity(ref), reason=reason, message=message, checks=checks, at=now)
        others = (r for r in self.status.rejected if r.revision != ref.revision)
        return self.remember(rejected=(entry, *others)[:MAX_REJECTED])


def _bounded(
    entries: tuple[HistoryEntry, ...], observation: Observation
) -> tuple[HistoryEntry, ...]:
    """Keep what serves, as many earlier promotions as the spec says, and as many other attempts."""
    limits = {True: observation.rollout.history + 1, False: observation.rollout.history}
    kept: list[HistoryEntry] = []
    counts = {True: 0, False: 0}
    for entry in entries:
        served = entry.outcome in {Outcome.PROMOTED, Outcome.RETURNED}
        if counts[served] < limits[served]:
            counts[served] += 1
            kept.append(entry)
    return tuple(kept)


def canary_requests(situation: Situation, candidate: Candidate) -> int:
    """Canary requests so far: the highest count of any gate, as others may be behind."""
    judgements = situation.observation.judgements_of(candidate.revision).values()
    return max((j.candidate.requests for j in judgements), default=0)


def running_time(candidate: Candidate, now: datetime) -> timedelta:
    """Time on the deadline clock since the first canary request, without the time it stood still."""
    since = candidate.canary_at or candidate.started_at
    standing = timedelta(seconds=candidate.stopped_seconds)
    if candidate.stopped_at:
        standing += now - candidate.stopped_at
    return max(timedelta(), now - since - standing)


def is_over(situation: Situation, since: datetime, duration: str) -> bool:
    """Whether more than a duration has passed, by a clock that may be believed."""
    passed = situation.observation.now - since > after(duration)
    return passed and looked_on(situation, duration)


def looked_on(situation: Situation, duration: str) -> bool:
    """Whether this process itself has looked on for that long, or long enough to believe others.

    What it reads in the status was perhaps written by another process, whose clock was another one,
    and perhaps nobody looked since then.
    """
    since = situation.observation.watched_since
    enough = min(after(duration), BELIEVED_AFTER)
    return since is None or situation.observation.now - since >= enough


def after(duration: str) -> timedelta:
    """A duration of the spec as a timedelta."""
    return timedelta(seconds=seconds(duration))
