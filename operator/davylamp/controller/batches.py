"""Which rollouts Prometheus is asked about together, and up to when. Pure.

A long query may be refused or take long, and the others must not be blind for it. Who is far behind
(after a restart or an outage) catches up in slices, each asked for and folded before the next: an
answer about hours of histograms would fill the memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from davylamp.controller.cache import Key
from davylamp.controller.following import BASELINE_SCRAPES, SURVEY, Followed
from davylamp.gates import Channel

SLICE: Final = 900.0
"""Seconds by which who is behind comes nearer with each answer."""


@dataclass(frozen=True)
class Part:
    """Channels of one rollout that are asked about."""

    key: Key
    followed: Followed
    channels: frozenset[Channel]


@dataclass(frozen=True)
class Batch:
    """Who is asked about together.

    Attributes:
        at: epoch seconds up to which samples are asked for.
        is_present: whether that is now; else more is to come before anything can be said.
    """

    at: float
    is_present: bool
    parts: tuple[Part, ...] = ()

    @property
    def channels(self) -> list[Channel]:
        """All that is asked about, in a fixed order."""
        found = {channel for part in self.parts for channel in part.channels}
        return sorted(found, key=lambda channel: channel.value)


@dataclass(frozen=True)
class Batches:
    """Those that are up to date, and those that begin or are behind."""

    recent: tuple[Batch, ...] = ()
    past: tuple[Batch, ...] = ()


def overlap(scrape_interval: float) -> float:
    """Seconds that are asked for again, so that samples that came late are not lost."""
    return BASELINE_SCRAPES * scrape_interval


def plan(followed: Mapping[Key, Followed], now: float, scrape_interval: float) -> Batches:
    """Who is asked about together at this moment.

    Channels of one rollout that were read equally far stay together: their evidence must be seen
    in the order of time.
    """
    again = overlap(scrape_interval)
    recent, begun = now - 2 * again, now - 2 * again - SURVEY
    unread = {key: each.unread for key, each in followed.items()}
    old = [at for each in unread.values() for at in each.values() if at < begun]
    end = min(now, min(old, default=now) + SLICE + again)
    sections = (
        (now, recent, now),
        (now, begun, recent),
        (end, float("-inf"), min(begun, end)),
    )
    up_to_date, begins, behind = (
        _batch(followed, unread, (first, last), at, is_present=at >= now)
        for at, first, last in sections
    )
    return Batches(_some(up_to_date), _some(begins, behind))


def halves(batch: Batch) -> tuple[Batch, ...]:
    """The same questions about half of the rollouts each; none of a single one."""
    if len(batch.parts) < 2:
        return ()
    middle = len(batch.parts) // 2
    first, second = batch.parts[:middle], batch.parts[middle:]
    return replace(batch, parts=first), replace(batch, parts=second)


def shorter(batch: Batch, scrape_interval: float) -> tuple[Batch, ...]:
    """The first half of the time that is asked about; none where that is too little to come nearer.

    The rest is asked about when that was read.
    """
    oldest = min(each.followed.unread[channel] for each in batch.parts for channel in each.channels)
    length = (batch.at - oldest) / 2
    if length < 2 * overlap(scrape_interval):
        return ()
    return (replace(batch, at=oldest + length, is_present=False),)


def _batch(
    followed: Mapping[Key, Followed],
    unread: Mapping[Key, Mapping[Channel, float]],
    span: tuple[float, float],
    at: float,
    *,
    is_present: bool,
) -> Batch:
    """What is unread from a moment within the span on."""
    parts = []
    for key, moments in unread.items():
        channels = {c for c, moment in moments.items() if span[0] <= moment < span[1]}
        if channels:
            parts.append(Part(key, followed[key], frozenset(channels)))
    return Batch(at, is_present, tuple(parts))


def _some(*batches: Batch) -> tuple[Batch, ...]:
    return tuple(batch for batch in batches if batch.parts)


def parts_with(channel: Channel, parts: Iterable[Part]) -> list[Followed]:
    """Those whose channel is asked about."""
    return [part.followed for part in parts if channel in part.channels]
