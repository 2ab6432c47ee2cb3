"""Which rollouts Prometheus is asked about together, and up to when. Pure.

All that are up to date are asked about together: one query a channel, however many they are. A
namespace about which no good answer came is asked about apart for a while, and so is one that has
very many: its long queries and its faults delay no other. A rollout that begins, or is behind after a
restart or an outage, is asked about alone. It catches up in slices, and every slice is folded before
the next: an answer about hours of histograms would fill the memory.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.subjects import BASELINE_SCRAPES
from davylamp.controller.evidence.tracked import TrackedRollout
from davylamp.gates import Channel

SLICE: Final = 900.0
"""Seconds by which a rollout that is behind comes nearer with each answer."""
MANY_TOGETHER: Final = 60
"""Rollouts up to which all namespaces are read together."""
MANY: Final = 20
"""Rollouts of one namespace above which it is read apart where there are more than that."""
TOGETHER: Final = ""
"""What all are called that are read together, in the place of a namespace."""


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
    def namespaces(self) -> frozenset[str]:
        """Whose rollouts they are."""
        return frozenset(part.key.namespace for part in self.parts)

    @property
    def oldest(self) -> float:
        """Epoch seconds of the oldest sample that is needed."""
        return min(part.tracked.unread[c] for part in self.parts for c in part.channels)


@dataclass(frozen=True, slots=True)
class Batches:
    """Those that are up to date, and those that begin or are behind.

    Attributes:
        recent: all together (`TOGETHER`), and by namespace those that are read apart.
        past: by rollout.
    """

    recent: Mapping[str, Batch] = field(default_factory=dict)
    past: Mapping[Key, tuple[Batch, ...]] = field(default_factory=dict)


def overlap(scrape_interval: float) -> float:
    """Seconds that are asked for again, so that samples that came late are not lost."""
    return BASELINE_SCRAPES * scrape_interval


def plan(
    rollouts: Iterable[tuple[Key, TrackedRollout]],
    now: float,
    scrape_interval: float,
    *,
    apart: Collection[str] = (),
) -> Batches:
    """The rollouts that are asked about together at this moment.

    Channels of one rollout that were read equally far stay together: their evidence must be folded
    in the order of time. One that cannot be read falls behind alone.

    Args:
        rollouts: those that are tracked.
        now: epoch seconds.
        scrape_interval: seconds between Prometheus' scrapes.
        apart: namespaces that are asked about apart whatever they have.
    """
    again = overlap(scrape_interval)
    parts, past = list[Part](), dict[Key, tuple[Batch, ...]]()
    for key, tracked in rollouts:
        recent = {c for c, moment in tracked.unread.items() if moment >= now - 2 * again}
        if recent:
            parts.append(Part(key, tracked, frozenset(recent)))
        behind = Part(key, tracked, tracked.subject.channels - recent)
        if slices := tuple(_slices(behind, now, again)):
            past[key] = slices
    return Batches(_recent(parts, now, apart), past)


def halves(batch: Batch, channels: Iterable[Channel]) -> tuple[Batch, ...]:
    """Questions about some channels only, of half of the rollouts each; none of a single one.

    A namespace is not divided as long as there are several.
    """
    wanted = frozenset(channels)
    parts = [replace(p, channels=p.channels & wanted) for p in batch.parts if p.channels & wanted]
    if len(parts) < 2:
        return ()
    parts.sort(key=lambda part: part.key.namespace)
    borders = [n for n, (one, other) in enumerate(pairwise(parts), start=1) if _differ(one, other)]
    middle = min(borders or range(1, len(parts)), key=lambda n: abs(2 * n - len(parts)))
    return tuple(replace(batch, parts=tuple(half)) for half in (parts[:middle], parts[middle:]))


def shorter(batch: Batch, scrape_interval: float) -> Batch | None:
    """The first half of the time that is asked about; None where that comes no nearer.

    The rest is asked about when that was read.
    """
    length = (batch.at - batch.oldest) / 2
    if length < 2 * overlap(scrape_interval):
        return None
    return replace(batch, at=batch.oldest + length, is_present=False)


def _recent(parts: Iterable[Part], now: float, apart: Collection[str]) -> dict[str, Batch]:
    """Those that are up to date: all together, but for namespaces that are read apart."""
    by_namespace: dict[str, list[Part]] = {}
    for part in parts:
        by_namespace.setdefault(part.key.namespace, []).append(part)
    lonely = set(apart) & by_namespace.keys() if len(by_namespace) > 1 else set()
    rest = sum(len(own) for namespace, own in by_namespace.items() if namespace not in lonely)
    for namespace in sorted(by_namespace.keys() - lonely, key=lambda n: -len(by_namespace[n])):
        own = len(by_namespace[namespace])
        if rest <= MANY_TOGETHER or own <= MANY or own == rest:
            break
        lonely.add(namespace)
        rest -= own
    together = [part for n, own in by_namespace.items() if n not in lonely for part in own]
    batches = {TOGETHER: Batch(now, is_present=True, parts=tuple(together))} if together else {}
    for namespace in lonely:
        own_parts = tuple(by_namespace[namespace])
        batches[namespace] = Batch(now, is_present=True, parts=own_parts, is_concurrent=False)
    return batches


def _differ(one: Part, other: Part) -> bool:
    return one.key.namespace != other.key.namespace


def _slices(behind: Part, now: float, again: float) -> Iterator[Batch]:
    """The next slice of channels that are behind, of those that were read equally far at a time."""
    by_moment: dict[float, set[Channel]] = {}
    for channel in behind.channels:
        by_moment.setdefault(behind.tracked.unread[channel], set()).add(channel)
    for moment, channels in by_moment.items():
        at = min(now, moment + SLICE + again)
        part = replace(behind, channels=frozenset(channels))
        yield Batch(at, is_present=at >= now, parts=(part,), is_concurrent=False)
