"""Leaving out samples without losing requests.

Samples are cumulative counters, so leaving some out loses resolution and no request: a longer block
takes the place of two shorter ones. What would be lost is kept: the first and the last sample of
each pod, and both sides of a restart, which would look like a counter that went on.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from davylamp.gates.samples import PodKey, Scraped, restarted

_CHUNK: Final = 64
_GROWTH: Final = 1.25
"""How much more there has to be before what could not be thinned to its limit is tried again."""
_WORTHWHILE: Final = 0.95


@dataclass(frozen=True, slots=True)
class ChannelRecording:
    """One channel's samples in the order of time; in pieces, so that adding copies few of them."""

    pieces: tuple[tuple[Scraped, ...], ...] = ()
    lines: int = 0
    full_at: int = 0
    """Lines at which it is thinned again, where the limit could not be kept."""
    watermark: float = -math.inf
    pending: tuple[Scraped, ...] = ()

    def samples(self) -> Iterator[Scraped]:
        """All that is kept."""
        return itertools.chain.from_iterable(self.pieces)


def extended(recording: ChannelRecording, due: tuple[Scraped, ...]) -> ChannelRecording:
    """The recording with samples that are later than all in it."""
    if not due:
        return recording
    *full, last = recording.pieces or ((),)
    if len(last) + len(due) <= _CHUNK:
        due_pieces: tuple[tuple[Scraped, ...], ...] = (last + due,)
    else:
        due_pieces = (last, due) if last else (due,)
    return replace(
        recording, pieces=(*full, *due_pieces), lines=recording.lines + sum(map(_lines, due))
    )


def _lines(scraped: Scraped) -> int:
    return max(1, len(scraped.sample.parts))


def within(recording: ChannelRecording, limit: int) -> ChannelRecording:
    """Thinned until it is below the limit, or hardly anything may be left out; the oldest first."""
    while recording.lines > limit:
        before = recording.lines
        recording = thinned(recording, _middle(recording))
        if recording.lines > before * _WORTHWHILE:
            recording = thinned(recording, math.inf)
        if recording.lines > before * _WORTHWHILE:
            return replace(recording, full_at=round(recording.lines * _GROWTH))
    return replace(recording, full_at=0)


def _middle(recording: ChannelRecording) -> float:
    taken = list(recording.samples())
    return taken[len(taken) // 2].sample.time


def thinned(recording: ChannelRecording, until: float) -> ChannelRecording:
    """Without every second scrape before `until`.

    Counted back from there, so that pods that are scraped together lose the same rounds.
    """
    taken = list(recording.samples())
    needed = _needed(taken)
    skipping: set[PodKey] = set()
    kept: list[Scraped] = []
    for number in range(len(taken) - 1, -1, -1):
        scraped = taken[number]
        if scraped.sample.time >= until:
            kept.append(scraped)
        elif scraped.key in skipping:
            skipping.discard(scraped.key)
            kept += [scraped] if number in needed else []
        else:
            skipping.add(scraped.key)
            kept.append(scraped)
    kept.reverse()
    pieces = tuple(tuple(kept[at : at + _CHUNK]) for at in range(0, len(kept), _CHUNK))
    return replace(recording, pieces=pieces, lines=sum(map(_lines, kept)))


def _needed(taken: Sequence[Scraped]) -> set[int]:
    """Places of each pod's first and last sample, and of those around its restarts."""
    needed: set[int] = set()
    last: dict[PodKey, int] = {}
    for number, scraped in enumerate(taken):
        before = last.get(scraped.key)
        if before is None:
            needed.add(number)
        elif restarted(taken[before].sample, scraped.sample):
            needed |= {before, number}
        last[scraped.key] = number
    return needed | set(last.values())
