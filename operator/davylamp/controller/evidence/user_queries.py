"""User queries, the PromQL of a gate's own: asked on their grid, for both revisions if need be.

They may take as long as a query may, so they are errands: no other evidence waits for them, and
namespaces have their turn one after the other.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.source import MetricSource
from davylamp.adapters.prometheus.templates import render
from davylamp.adapters.prometheus.user_query import ArmNames, QueryScope, RangeQuery, on_grid
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.answers import LAG, answer_or_error, deadline
from davylamp.controller.evidence.ingest import isolated, take_in_answers
from davylamp.controller.evidence.tracked import TrackedRollout, TrackedRollouts
from davylamp.controller.fairness.errands import Errands
from davylamp.controller.fairness.limits import DEFAULT_LIMITS
from davylamp.gates import QueryAnswers, UserQuery

SWITCHED_OFF: Final = (
    "user queries are switched off in this release of the operator (chart value "
    "gates.userQueries.enabled): use a gate of another kind, or ask whoever installed it"
)
MOST_POINTS: Final = 500
"""Points of a user query that are asked for at a time."""


class UserQueries:
    """Asks user queries that are due, and has the answers folded.

    Args:
        source: where the values come from.
        tracked: the rollouts.
        are_allowed: whether users may have their own PromQL asked.
        clock: epoch seconds.
        errands: in which questions are asked.
        limit: user queries of one namespace that are asked; those of rollouts with traffic come first,
            and are asked above it too.
    """

    def __init__(  # noqa: PLR0913  (what it works with)
        self,
        source: MetricSource,
        tracked: TrackedRollouts,
        *,
        are_allowed: bool,
        clock: Callable[[], float],
        errands: Errands[Hashable],
        limit: int = DEFAULT_LIMITS.user_queries,
    ) -> None:
        self._source = source
        self._tracked = tracked
        self._are_allowed = are_allowed
        self._clock = clock
        self._errands = errands
        self._limit = limit
        self.left_out: frozenset[tuple[Key, str]] = frozenset()
        """Gates, by key and name, whose queries are not asked because their namespace has too many."""

    def begin(self) -> None:
        """Have the queries asked that are due; their answers are taken in as they come.

        Whoever has traffic is asked about in any case, whenever this process began: a bad canary must
        not go on for want of a place.
        """
        now, number, left_out = self._clock(), Counter[str](), set[tuple[Key, str]]()
        for key, tracked in sorted(self._tracked, key=lambda item: item[1].subject.is_survey):
            for gate, query in tracked.subject.queries.items():
                number[key.namespace] += 1
                if tracked.subject.is_survey and number[key.namespace] > self._limit:
                    left_out.add((key, gate))
                    self._leave_out(key, tracked, gate)
                elif not self._are_allowed or _due(tracked, gate, query, now) is not None:
                    ask = partial(self._ask_gate, key, tracked, gate)
                    self._errands.start(key.namespace, ("query", key, gate), ask)
        self.left_out = frozenset(left_out)

    def _leave_out(self, key: Key, tracked: TrackedRollout, gate: str) -> None:
        """Ask nothing for a gate, and say why."""
        text = (
            f"{self._limit} user queries of namespace {key.namespace} are asked, and no more are "
            f"allowed (chart value limits.userQueries)"
        )
        error = SourceError(SourceFault.BAD_ANSWER, text)
        known = tracked.queries.errors.get(gate)
        if known is None or str(known) != text:
            tracked.queries = tracked.queries.failed(gate, error)
            self._tracked.report_news(key, tracked)

    async def answers(
        self, tracked: TrackedRollout, gate: str, query: UserQuery, now: float
    ) -> QueryAnswers | SourceError | None:
        """The values of a gate's query for the times that are due; None if none is.

        Whoever is far behind gets the oldest `MOST_POINTS` of them.
        """
        scope = tracked.subject.scope
        if scope is None:
            return None
        if not self._are_allowed:
            return SourceError(SourceFault.BAD_ANSWER, SWITCHED_OFF)
        due = _due(tracked, gate, query, now)
        if due is None:
            return None
        until, values = deadline(), []
        for arm in _arms(scope, query):
            answer = await answer_or_error(self._values(due, scope, arm, until=until))
            if isinstance(answer, SourceError):
                return answer
            values.append(answer)
        return QueryAnswers(_edge(tracked, gate, query, now), *values)

    async def _ask_gate(self, key: Key, tracked: TrackedRollout, gate: str) -> None:
        query = tracked.subject.queries.get(gate)
        if query is None or not self._tracked.is_current(key, tracked):
            return
        with isolated(key):
            answer = await self.answers(tracked, gate, query, self._clock())
            if answer is None or not self._tracked.is_current(key, tracked):
                return
            if await _take_in(tracked, gate, answer):
                self._tracked.report_news(key, tracked)

    async def _values(
        self, due: RangeQuery, scope: QueryScope, arm: ArmNames, *, until: float
    ) -> Mapping[float, float]:
        """One side's values."""
        try:
            text = render(due.promql, replace(scope, interval=due.step).variables(arm))
        except ValueError as error:  # about the query that the user wrote
            raise SourceError(SourceFault.BAD_ANSWER, str(error)) from None
        due = replace(due, promql=text, namespace=scope.namespace)
        return await self._source.values(due, until=until)


def _edge(tracked: TrackedRollout, gate: str, query: UserQuery, now: float) -> float:
    """Up to when a gate's query is asked about next, epoch seconds."""
    after = tracked.queries.until.get(gate, tracked.since)
    return min(now - LAG, after + MOST_POINTS * max(1.0, query.interval))


def _due(tracked: TrackedRollout, gate: str, query: UserQuery, now: float) -> RangeQuery | None:
    """What a gate's query is asked next, with its variables; None while nothing is due."""
    after = tracked.queries.until.get(gate, tracked.since)
    edge = _edge(tracked, gate, query, now)
    return on_grid(query.promql, after=after, until=edge, step=query.interval)


def _arms(scope: QueryScope, query: UserQuery) -> list[ArmNames]:
    """The revisions that a query is asked about."""
    arms = [scope.candidate]
    if query.against_stable and scope.stable:
        arms.append(scope.stable)
    return arms


async def _take_in(tracked: TrackedRollout, gate: str, answer: QueryAnswers | SourceError) -> bool:
    """Note an answer or an error; whether that is news."""
    if isinstance(answer, SourceError):
        before = tracked.queries.errors.get(gate)
        tracked.queries = tracked.queries.failed(gate, answer)
        return before is None or before.fault is not answer.fault
    await take_in_answers(tracked, gate, answer)
    tracked.queries = tracked.queries.answered(gate, answer)
    return True
