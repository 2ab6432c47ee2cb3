"""Reads what kubelets warn of pods whose own status does not say what is wrong, such as a volume.

That stands in Events only. They are read in the background, for pods that have not started or passed
their probes for a while, one at a time in a namespace and a few times at most: no pass waits for them,
and a pod without a warning is a sentence without a reason, no more.
"""

import asyncio
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.pods import Pod
from davylamp.controller.fairness.agenda import Agenda
from davylamp.controller.logs import about
from davylamp.controller.pods.events import newest_warning
from davylamp.rollout.pods.shortfall import is_unexplained
from davylamp.schema.json import text

PATIENCE: Final = 8.0
"""Seconds that a pod may take to start before anybody asks why it does not."""
LONGEST: Final = 300.0
"""Seconds between two readings for one pod at most; they double from `PATIENCE` on."""
MOST_READS: Final = 8
"""Readings for one pod: some twenty minutes after that, nothing new is to be learnt."""
PODS_AT_A_TIME: Final = 2
"""Pods of one model that are asked about: all of a revision mostly lack the same."""
APART: Final = 0.5
"""Seconds between two readings in one namespace."""
AT_A_TIME: Final = 1
"""Readings in one namespace at the same time, twice as many in all."""
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Unexplained:
    """A pod that does not get ready, and nobody knows why."""

    key: Key
    uid: str
    due: float
    reads: int = 0
    objects: frozenset[str] = frozenset()
    words: str | None = None


class PodWarnings:
    """Keeps the newest warning about each pod that needs one.

    Args:
        cluster: whose Events are read.
        on_news: called with the key of a model about whose pods there is something new to say.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        on_news: Callable[[Key], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._on_news = on_news
        self._clock = clock
        self._unexplained: dict[Key, dict[str, _Unexplained]] = {}
        self._agenda: Agenda[_Unexplained] = Agenda(
            AT_A_TIME, items=self._all, begin=self._begin, clock=clock
        )

    def noted(self, key: Key, pods: Iterable[Pod]) -> tuple[Pod, ...]:
        """The pods of a model with what is known by now; what is not known is asked from now on."""
        listed = tuple(pods)
        silent = {_uid(pod): pod for pod in listed if is_unexplained(pod.state) and _uid(pod)}
        known, due = self._unexplained.pop(key, {}), self._clock() + PATIENCE
        kept = {
            uid: known.get(uid) or _Unexplained(key, uid, due, objects=pod.state.objects)
            for uid, pod in itertools.islice(silent.items(), PODS_AT_A_TIME)
        }
        if kept:
            self._unexplained[key] = kept
        if kept.keys() - known.keys():
            self._agenda.wake()
        return tuple(_with_warning(pod, kept.get(_uid(pod))) for pod in listed)

    def forget(self, key: Key) -> None:
        """Drop what is known about the pods of an object that is gone."""
        self._unexplained.pop(key, None)

    async def run(self) -> None:
        """Read while something is unexplained; never returns."""
        await self._agenda.run()

    async def poll(self) -> None:
        """Read about every pod that is due, once."""
        for pod in self._agenda.due():
            await self._read(pod)

    def _all(self) -> Iterable[_Unexplained]:
        return [pod for pods in self._unexplained.values() for pod in pods.values()]

    def _begin(self, pod: _Unexplained) -> None:
        self._agenda.errands.start(pod.key.namespace, pod, partial(self._read_apart, pod))

    async def _read_apart(self, pod: _Unexplained) -> None:
        """Read about one pod, and keep the namespace's turn until the next may be read about."""
        if pod.uid in self._unexplained.get(pod.key, {}):
            await self._read(pod)
            await asyncio.sleep(APART)

    async def _read(self, pod: _Unexplained) -> None:
        """Read about one pod; a bug that it meets must not end the operator."""
        pod.reads += 1
        pause = min(LONGEST, PATIENCE * 2**pod.reads)
        pod.due = self._clock() + pause if pod.reads < MOST_READS else math.inf
        log = about(_log, namespace=pod.key.namespace, name=pod.key.name)
        try:
            warnings = await self._cluster.pod_warnings(pod.key.namespace, pod.uid)
            words = newest_warning(warnings, pod.objects) or pod.words
        except OperatorError as error:
            log.warning("Events of pods are not read: %s", error)
            return
        except Exception:
            log.exception("reading Events of pods failed")
            return
        if words != pod.words:
            pod.words = words
            self._on_news(pod.key)


def _with_warning(pod: Pod, known: _Unexplained | None) -> Pod:
    if known is None or known.words is None:
        return pod
    return replace(pod, state=replace(pod.state, event=known.words))


def _uid(pod: Pod) -> str:
    return text(pod.manifest, "metadata", "uid")
