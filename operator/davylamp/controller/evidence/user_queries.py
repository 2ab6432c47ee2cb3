"""Questions that users cause: their own queries, and what there is where a gate finds nothing.

Both may take as long as a query may, so they have loops of their own: nobody else's evidence waits
for them.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Final

from davylamp.adapters.errors import SourceError
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.counter_queries import CounterQueries
from davylamp.controller.evidence.ingest import alone, fold_answer
from davylamp.controller.evidence.tracked import TrackedRollout
from davylamp.gates import UserQuery
from davylamp.gates.forecast.forecast import has_samples_of_stable

LOOK_AROUND: Final = 10.0
"""Seconds between two looks for other series: pods that just began to serve were not scraped yet."""
AT_ONCE: Final = 4
"""Questions at a time, so that threads are left for the pods' counters."""


class Questions:
    """Asks in turns what users want to know about the rollouts that are followed.

    Args:
        asker: puts the questions.
        followed: everything that is followed; looked at, never changed.
        on_news: told of each key about which something new was seen.
        clock: epoch seconds.
    """

    def __init__(
        self,
        asker: CounterQueries,
        followed: Mapping[Key, TrackedRollout],
        *,
        on_news: Callable[[Key], None],
        clock: Callable[[], float],
    ) -> None:
        self._asker = asker
        self._followed = followed
        self._on_news = on_news
        self._clock = clock
        self._few = asyncio.Semaphore(AT_ONCE)

    async def ask_own(self) -> None:
        """Put users' own queries that are due, and take in each answer as it comes."""
        asked = [
            self._ask_own(key, followed, gate, query)
            for key, followed in self._followed.items()
            for gate, query in followed.subject.queries.items()
        ]
        await asyncio.gather(*asked)

    async def look_around(self) -> None:
        """Before a canary, now and then: what there is where a gate finds nothing on stable."""
        await asyncio.gather(*(self._look(*each) for each in list(self._followed.items())))

    async def _ask_own(self, key: Key, followed: TrackedRollout, gate: str, query: UserQuery) -> None:
        with alone(key):
            async with self._few:
                answer = await self._asker.own(followed, gate, query, self._clock())
            if answer is None or self._followed.get(key) is not followed:
                return
            before = followed.query_errors.get(gate)
            if isinstance(answer, SourceError):
                followed.query_errors[gate] = answer
                is_news = before is None or before.fault is not answer.fault
            else:
                followed.query_errors.pop(gate, None)
                await fold_answer(followed, gate, answer)
                followed.asked_until[gate] = answer.until
                is_news = True
            self._tell(key, followed, is_news=is_news)

    async def _look(self, key: Key, followed: TrackedRollout) -> None:
        before = dict(followed.seen_instead)
        with alone(key):
            for name in followed.subject.trials:
                await self._look_for(name, followed, self._clock())
            self._tell(key, followed, is_news=before != followed.seen_instead)

    async def _look_for(self, gate: str, followed: TrackedRollout, now: float) -> None:
        trial, state = followed.subject.trials[gate], followed.family.states[gate]
        channel = trial.rule.channel
        blind = channel in followed.answered and not has_samples_of_stable(state)
        if channel is None or not (
            trial.started_at > now and blind and followed.subject.stable
        ):
            followed.seen_instead.pop(gate, None)
        elif now - followed.looked_at.get(gate, -math.inf) >= LOOK_AROUND:
            followed.looked_at[gate] = now
            async with self._few:
                followed.seen_instead[gate] = await self._asker.seen_instead(followed, channel, now)

    def _tell(self, key: Key, followed: TrackedRollout, *, is_news: bool) -> None:
        if is_news and self._followed.get(key) is followed:
            self._on_news(key)
