"""Where the evidence comes from: Prometheus, asked with a deadline and believed with care."""

from __future__ import annotations

import asyncio
import functools
import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Protocol, TypeAlias, TypeVar

from prometheus_api_client import PrometheusConnect
from urllib3.util import Retry

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.pod_names import PodRef
from davylamp.adapters.prometheus import suggestions
from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.session import ANSWER_LIMIT, TENANT, PrometheusSession
from davylamp.adapters.prometheus.suggestions import OtherSeries
from davylamp.adapters.prometheus.texts.answers import (
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    AnswerText,
    Ask,
    Wanted,
    as_source_errors,
    asked_and_read,
    read_now,
    too_late,
)
from davylamp.adapters.prometheus.texts.tasks import (
    FEW_NAMES,
    AskedCounters,
    names_in,
    presence_in,
    scrapes_in,
    values_in,
)
from davylamp.adapters.prometheus.user_query import RangeQuery
from davylamp.adapters.reading.in_hand import BytesInHand
from davylamp.adapters.reading.reader import Reader
from davylamp.gates.samples import Sample

__all__ = [
    "BackEnd",
    "CounterQuery",
    "MetricSource",
    "OtherSeries",
    "PrometheusSource",
    "RangeQuery",
]

THREADS: Final = 24
"""As many as can be asked at a time, so that none waits here: the counters of those who are read
together, of 4 namespaces that are read apart, 6 surveys, and 8 user queries."""
_STARTING: Final = 5.0
"""Seconds that the first of them waits for the last one."""
OnQuery: TypeAlias = Callable[[str, float], None]
"""Called after every query: with "ok" or the fault, and the seconds it took."""
_T = TypeVar("_T")


class MetricSource(Protocol):
    """Whoever knows what pods counted, and what user queries give.

    All may be asked at once and cancelled at any time. `until` is the moment (`loop.time()`) by
    which an answer is of use; the source's own deadline holds as well.
    """

    async def scrapes(
        self, query: CounterQuery, *, until: float | None = None
    ) -> Mapping[PodRef, tuple[Sample, ...]]:
        """Samples of each pod within the window, in order of time; no pod without a sample.

        Raises:
            SourceError: nothing was learnt, and why.
        """

    async def values(
        self, query: RangeQuery, *, until: float | None = None
    ) -> Mapping[float, float]:
        """Values of a user query by time, without the times at which it has none.

        Raises:
            SourceError: nothing was learnt, and why; BadAnswer where the query is to blame.
        """

    async def other_series(self, query: CounterQuery, *, until: float | None = None) -> OtherSeries:
        """What the pods have instead, when a query for their counters finds nothing.

        Raises:
            SourceError: nothing was learnt, and why.
        """


class PrometheusSource:
    """`MetricSource` on Prometheus or on what speaks its HTTP API.

    Args:
        back_end: what is asked.
        deadline: seconds for one answer as a whole.
        answer_limit: bytes of an answer about counters.
        on_query: called after every query, for metrics.
        on_down: called when pods' counters cannot be asked for; a user query may be too slow for
            a Prometheus that is well.
        user_queries: what user queries are asked of, where that is another.
        reader: reads long answers; without one they are read in the thread that asked.
    """

    def __init__(  # noqa: PLR0913  (what is asked, limits, and whom it reports to)
        self,
        back_end: BackEnd,
        *,
        deadline: float = 8.0,
        answer_limit: int = ANSWER_LIMIT,
        on_query: OnQuery = lambda _result, _seconds: None,
        on_down: Callable[[], None] = lambda: None,
        user_queries: BackEnd | None = None,
        reader: Reader | None = None,
    ) -> None:
        self._deadline = deadline
        self._reader = reader
        self._in_hand = reader.in_hand if reader else BytesInHand()
        self._on_query = on_query
        self._on_down = on_down
        sessions = functools.partial(
            PrometheusSession,
            deadline=deadline,
            answer_limit=answer_limit,
            in_hand=self._in_hand,
        )
        self._client = _client(sessions(back_end), back_end)
        self._user_client = self._client
        if user_queries is not None:
            self._user_client = _client(sessions(user_queries), user_queries)
        self._threads = _started_threads()

    async def scrapes(
        self, query: CounterQuery, *, until: float | None = None
    ) -> Mapping[PodRef, tuple[Sample, ...]]:
        """See `MetricSource.scrapes`; asks nothing when no workload is meant."""
        if not query.workloads:
            return {}
        wanted = Wanted(scrapes_in, (AskedCounters.of(query),), query.namespace)
        try:
            return await self._answer(self._at(query.text, query.at), wanted, until)
        except SourceError as error:
            if error.fault is SourceFault.DOWN:
                self._on_down()
            raise

    async def values(
        self, query: RangeQuery, *, until: float | None = None
    ) -> Mapping[float, float]:
        """See `MetricSource.values`."""
        return await self._answer(
            self._on_grid(query), Wanted(values_in, (), query.namespace), until
        )

    async def other_series(self, query: CounterQuery, *, until: float | None = None) -> OtherSeries:
        """See `MetricSource.other_series`; one deadline for both of its queries."""
        if not query.workloads:
            return OtherSeries()
        until = self._ends(until)
        asked = (AskedCounters.of(query),)
        names = self._at(suggestions.names_text(query), query.at)
        similar = Wanted(names_in, asked, query.namespace, light=FEW_NAMES)
        other = await self._answer(names, similar, until)
        wanted = self._at(f"count({suggestions.unselected_text(query)})", query.at)
        presence = Wanted(presence_in, (), query.namespace)
        return replace(other, is_there=await self._answer(wanted, presence, until))

    def _at(self, promql: str, at: float) -> Ask:
        """An instant query."""
        ask, params = self._client.custom_query, {"time": f"{at:.3f}"}
        return lambda timeout: ask(promql, params, timeout=timeout)

    def _on_grid(self, query: RangeQuery) -> Ask:
        """A range query; the library rounds its times to whole seconds, which ours are."""
        start, end = (datetime.fromtimestamp(time, UTC) for time in (query.start, query.end))
        ask, step = self._user_client.custom_query_range, f"{query.step}s"
        params = {TENANT: query.namespace}
        return lambda timeout: ask(query.promql, start, end, step, params, timeout=timeout)

    async def _answer(self, ask: Ask, wanted: Wanted[_T], until: float | None) -> _T:
        """What is read of an answer; a query that nobody waits for any more is not reported."""
        started = time.monotonic()
        try:
            answer = await self._within(ask, wanted, self._ends(until))
        except SourceError as error:
            self._on_query(error.fault.value, time.monotonic() - started)
            raise
        self._on_query("ok", time.monotonic() - started)
        return answer

    async def _within(self, ask: Ask, wanted: Wanted[_T], ends: float) -> _T:
        """Ask in a thread, and read there what is short; what is long the reader reads."""
        loop = asyncio.get_running_loop()
        left = ends - loop.time()
        if left <= 0:
            raise SourceError(SourceFault.DOWN, "Prometheus: no time was left to ask it")
        most = wanted.light if self._reader else math.inf
        work = functools.partial(asked_and_read, ask, wanted, left, most)
        try:
            async with asyncio.timeout_at(ends):
                answer = await loop.run_in_executor(self._threads, work)
                return (
                    await self._read(answer, wanted) if isinstance(answer, AnswerText) else answer
                )
        except TimeoutError as error:
            raise too_late(left) from error

    async def _read(self, answer: AnswerText, wanted: Wanted[_T]) -> _T:
        """What is read of a long answer."""
        if self._reader is None:
            return read_now(answer.text, wanted)
        with as_source_errors():
            return await self._reader.read(
                wanted.task, answer.text, *wanted.arguments, owner=wanted.owner, light=0
            )

    def _ends(self, until: float | None) -> float:
        own = asyncio.get_running_loop().time() + self._deadline
        return own if until is None else min(own, until)

    def close(self) -> None:
        """Give connections and threads back."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()
        self._user_client.close()


def _started_threads() -> ThreadPoolExecutor:
    """Threads that are all there: who asks would wait for each new one, in the event loop."""
    threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="prometheus")
    all_there = threading.Barrier(THREADS)
    for _ in range(THREADS):
        threads.submit(all_there.wait, _STARTING)
    return threads


def _client(session: PrometheusSession, back_end: BackEnd) -> PrometheusConnect:
    return PrometheusConnect(
        url=back_end.url.rstrip("/"),
        session=session,
        retry=Retry(0),
        timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
        method="POST",
    )
