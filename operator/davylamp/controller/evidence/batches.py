"""Which rollouts Prometheus is asked about together, and up to when. Pure.

All that are up to date are asked about together: one query a channel, however many they are. A
rollout that begins, or is behind after a restart or an outage, is asked about alone, so that its long
queries and its faults affect no other. It catches up in slices, and every slice is folded before the
next: an answer about hours of histograms would fill the memory.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.subjects import BASELINE_SCRAPES
from davylamp.controller.evidence.tracked import TrackedRollout
from davylamp.gates import Channel

SLICE: Final = 900.0
"""Seconds by which a rollout that is behind comes nearer with each answer."""


@dataclass(frozen=True, slots=True)
class Part:
    """Channels of one rollout that are asked about."""

    key: Key
    tracked: TrackedRollout
    channels: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rollouts that are asked about together.

    Attributes:
        at: epoch seconds up to which samples are asked for.
        is_present: whether that is now; else more is to come before anything can be decided.
        parts: the rollouts.
        is_concurrent: whether all channels are asked about at the same time. Long answers are held
            one by one.
    """

    at: float
    is_present: bool
    parts: tuple[Part, ...] = ()
    is_concurrent: bool = True

    @property
    def channels(self) -> list[Channel]:
        """All that is asked about, in a fixed order."""
        channels = {channel for part in self.parts for channel in part.channels}
        return sorted(channels, key=lambda channel: channel.name)

    @property
    def oldest(self) -> float:
        """Epoch seconds of the oldest sample that is needed."""
        return min(part.tracked.unread[c] for part in self.parts for c in part.channels)

    @property
    def tried(self) -> float:
        """When some of it was last asked about as past, by a clock that only goes forward."""
        return min(p.tracked.tried.get(c, -math.inf) for p in self.parts for c in p.channels)


@dataclass(frozen=True, slots=True)
class Batches:
    """Those that are up to date, and one by one those that begin or are behind."""

    recent: Batch | None = None
    past: tuple[Batch, ...] = ()


def overlap(scrape_interval: float) -> float:
    """Seconds that are asked for again, so that samples that came late are not lost."""
    return BASELINE_SCRAPES * scrape_interval


def plan(
    rollouts: Iterable[tuple[Key, TrackedRollout]], now: float, scrape_interval: float
) -> Batches:
    """The rollouts that are asked about together at this moment.

    Channels of one rollout that were read equally far stay together: their evidence must be folded
    in the order of time. One that cannot be read falls behind alone.
    """
    again = overlap(scrape_interval)
    parts, past = list[Part](), list[Batch]()
    for key, tracked in rollouts:
        recent = {c for c, moment in tracked.unread.items() if moment >= now - 2 * again}
        if recent:
            parts.append(Part(key, tracked, frozenset(recent)))
        behind = Part(key, tracked, tracked.subject.channels - recent)
        past += _slices(behind, now, again)
    return Batches(Batch(now, is_present=True, parts=tuple(parts)) if parts else None, tuple(past))


def halves(batch: Batch, channels: Iterable[Channel]) -> tuple[Batch, ...]:
    """Questions about some channels only, of half of the rollouts each; none of a single one."""
    wanted = frozenset(channels)
    parts = [replace(p, channels=p.channels & wanted) for p in batch.parts if p.channels & wanted]
    if len(parts) < 2:
        return ()
    middle = len(parts) // 2
    return tuple(replace(batch, parts=tuple(half)) for half in (parts[:middle], parts[middle:]))


def shorter(batch: Batch, scrape_interval: float) -> Batch | None:
    """The first half of the time that is asked about; None where that comes no nearer.

    The rest is asked about when that was read.
    """
    length = (batch.at - batch.oldest) / 2
    if length < 2 * overlap(scrape_interval):
        return None
    return replace(batch, at=batch.oldest + length, is_present=False)


def _slices(behind: Part, now: float, again: float) -> Iterator[Batch]:
    """The next slice of channels that are behind, of those that were read equally far at a time."""
    by_moment: dict[float, set[Channel]] = {}
    for channel in behind.channels:
        by_moment.setdefault(behind.tracked.unread[channel], set()).add(channel)
    for moment, channels in by_moment.items():
        at = min(now, moment + SLICE + again)
        part = replace(behind, channels=frozenset(channels))
        yield Batch(at, is_present=at >= now, parts=(part,), is_concurrent=False)
