"""The operator's own clock over pods: remembers when this process saw each of them change."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.pods import Pod
from davylamp.rollout.pods.memory import PodMemory, remembered, with_times

Ticks = Callable[[], float]
"""Seconds of a clock that never jumps."""
JUMP: Final = 5.0
"""Seconds by which the wall clock may move beside that one without having been set anew."""


class PodClock:
    """Times what happens to pods, without asking when somebody else says that it happened.

    Args:
        ticks: the clock.
    """

    def __init__(self, ticks: Ticks = time.monotonic) -> None:
        self._ticks = ticks
        self._began: dict[Key, float] = {}
        self._offset: float | None = None
        self._memories: dict[Key, dict[str, PodMemory]] = {}

    def timed(self, key: Key, pods: Iterable[Pod], now: datetime) -> tuple[Pod, ...]:
        """The pods of a ModelDeployment with what is remembered of each."""
        tick, known = self._ticks(), self._memories.get(key, {})
        self._notice_jump(now, tick)
        self._began.setdefault(key, tick)
        memories: dict[str, PodMemory] = {}
        timed: list[Pod] = []
        for pod in pods:
            uid = metadata(pod.manifest, "uid")
            memory = memories[uid] = remembered(known.get(uid), pod.state, tick)
            timed.append(replace(pod, state=with_times(pod.state, memory, now, tick)))
        self._memories[key] = memories
        return tuple(timed)

    def watched_since(self, key: Key, now: datetime) -> datetime:
        """Since when this process has looked at a ModelDeployment by the clock that it goes by now."""
        tick = self._ticks()
        self._notice_jump(now, tick)
        return now - timedelta(seconds=tick - self._began.get(key, tick))

    def _notice_jump(self, now: datetime, tick: float) -> None:
        """A wall clock that was set anew is another clock: what the status says was by the old one."""
        offset = now.timestamp() - tick
        if self._offset is not None and abs(offset - self._offset) > JUMP:
            self._began = dict.fromkeys(self._began, tick)
        self._offset = offset

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._began.pop(key, None)
        self._memories.pop(key, None)
