"""Asks pods the questions of the checks, in the background, so that no pass waits for a model.

The results are kept until something else is asked of the model. Losing them costs asking again (P5).
While nothing is to be checked, no pod is asked anything (P9). Namespaces have their turn one after the
other, and pods of one that never answer leave others theirs.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from davylamp.adapters.pods.model_server import ModelServer
from davylamp.adapters.reading.reader import Reader
from davylamp.checks import CheckResult, CheckVerdict
from davylamp.controller.checks.inspections import Inspection
from davylamp.controller.checks.visit import Visit
from davylamp.controller.cluster.cache import Key
from davylamp.controller.fairness.agenda import Agenda
from davylamp.controller.logs import about
from davylamp.rollout import Inspected

_log = logging.getLogger(__name__)
AGAIN: Final = 2.0
"""Seconds after which a pod that could not be asked is asked again."""
PATIENT_AFTER: Final = 30
"""Attempts after which it is asked less and less often."""
SELDOM: Final = 60.0
PODS_AT_A_TIME: Final = 16
"""Pods of one namespace that are asked at the same time, twice as many of all."""


@dataclass(eq=False)
class _TrackedInspection:
    key: Key
    inspection: Inspection
    due: float
    results: tuple[CheckResult, ...] = ()
    baseline: Mapping[str, float] = field(default_factory=dict)
    attempts: int = 0


class Inspector:
    """Keeps the results of the checks of every model that is tracked.

    Args:
        server: how pods are asked.
        on_news: called with the key of a model whose results have changed.
        on_result: called with each result that differs from the one before.
        clock: seconds that never go back.
        reader: reads what pods answer; one of its own if there is none.
    """

    def __init__(
        self,
        server: ModelServer,
        *,
        on_news: Callable[[Key], None],
        on_result: Callable[[Key, CheckResult], None] = lambda _key, _result: None,
        clock: Callable[[], float] = time.monotonic,
        reader: Reader | None = None,
    ) -> None:
        self._server = server
        self._reader = reader or Reader()
        self._on_news = on_news
        self._on_result = on_result
        self._clock = clock
        self._tracked: dict[Key, _TrackedInspection] = {}
        self._agenda: Agenda[_TrackedInspection] = Agenda(
            PODS_AT_A_TIME, items=self._tracked.values, begin=self._begin, clock=clock
        )

    def follow(self, key: Key, inspection: Inspection | None) -> None:
        """Ask the questions of an inspection from now on; None stops it."""
        known = self._tracked.get(key)
        if known is not None and known.inspection != inspection:
            self._agenda.errands.drop(
                self._tracked.pop(key)
            )  # nobody waits for what it would answer
        if inspection is not None and key not in self._tracked:
            self._tracked[key] = _TrackedInspection(key, inspection, due=self._clock())
            self._agenda.wake()

    def inspected(self, key: Key) -> Inspected | None:
        """The results by now, if there are any."""
        known = self._tracked.get(key)
        if known is None or not known.results:
            return None
        asked = known.inspection
        return Inspected(asked.revision, asked.since, known.results, known.baseline)

    async def run(self) -> None:
        """Ask while there is something to ask; never returns."""
        await self._agenda.run()

    async def poll(self) -> None:
        """Ask everything that is due once, and wait for the answers."""
        await self._agenda.poll()

    def _begin(self, tracked: _TrackedInspection) -> None:
        self._agenda.errands.start(tracked.key.namespace, tracked, partial(self._inspect, tracked))

    async def _inspect(self, tracked: _TrackedInspection) -> None:
        """Ask one pod; a bug that it meets must not keep the others unasked."""
        key, asked = tracked.key, tracked.inspection
        try:
            visited = await Visit(self._server, self._reader, key.namespace, asked).made()
            results, tracked.baseline = visited.results, visited.shares
        except Exception:
            log = about(_log, namespace=key.namespace, name=key.name)
            log.exception("checking failed; trying again")
            results = tracked.results
        if self._tracked.get(key) is tracked:
            self._take_in(key, tracked, results)

    def _take_in(
        self, key: Key, tracked: _TrackedInspection, results: tuple[CheckResult, ...]
    ) -> None:
        tracked.attempts += 1
        again = not results or any(r.verdict is CheckVerdict.UNKNOWN for r in results)
        tracked.due = self._clock() + _pause(tracked.attempts) if again else math.inf
        if results == tracked.results:
            return
        before = {(r.name, r.verdict, r.reason) for r in tracked.results}
        for result in results:
            if (result.name, result.verdict, result.reason) not in before:
                self._on_result(key, result)
        tracked.results = results
        self._on_news(key)


def _pause(attempts: int) -> float:
    """Seconds until the next attempt: soon for a while, then less and less often."""
    late = max(0, attempts - PATIENT_AFTER)
    return float(min(SELDOM, AGAIN * 2 ** min(late, 10)))
