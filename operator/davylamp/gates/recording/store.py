"""What the gates of one rollout were shown, small and bounded, and as files that can be judged again.

Samples are cumulative counters, so leaving some out loses resolution and no request: a longer block
takes the place of two shorter ones. What would be lost is kept: the first and the last sample of
each pod, and both sides of a restart, which would look like a counter that went on.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from davylamp.gates.recording.csv import records, shortest, written
from davylamp.gates.recording.query_values import Values, extended
from davylamp.gates.samples import Arm, Channel, Sample, Scrapes, restarted
from davylamp.gates.states.query import QueryAnswers
from davylamp.gates.timeline import PodKey, Scraped, split

COUNTERS_HEADER: Final = ("time", "pod", "revision", "requests", "errors")
PARTS_HEADER: Final = ("time", "pod", "revision", "channel", "requests", "part", "value")
MOST_SAMPLES: Final = 4_000
"""Samples of requests and errors that are kept; one is one line of a file."""
MOST_LINES: Final = 16_000
"""Lines that are kept of any other channel, where a sample has one for each of its parts."""
_CHUNK: Final = 64
_GROWTH: Final = 1.25
"""How much more there has to be before what could not be thinned to its limit is tried again."""
_WORTHWHILE: Final = 0.95
_Line: TypeAlias = tuple[Channel, str, str, Sample]
"""Channel, revision, pod and sample of a line; of a part, a sample with that part alone."""


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


@dataclass(frozen=True, slots=True)
class Recording:
    """What was read of the pods of one rollout, by channel, and of own queries, by gate."""

    reels: Mapping[Channel, ChannelRecording] = field(default_factory=dict)
    values: Mapping[str, Values] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """How many samples are kept."""
        return sum(len(piece) for reel in self.reels.values() for piece in reel.pieces)


def noted(recording: Recording, channel: Channel, scrapes: Scrapes) -> Recording:
    """The recording with what was read of a channel up to the watermark.

    It takes exactly the samples that the gates take: repeated and late ones are passed over.
    """
    reel = recording.reels.get(channel, ChannelRecording())
    due, pending = split(reel.pending, scrapes, reel.watermark)
    reel = replace(reel, watermark=max(reel.watermark, scrapes.until), pending=pending)
    reel = _longer(reel, tuple(due))
    limit = MOST_SAMPLES if channel is Channel.ERRORS else MOST_LINES
    if reel.lines > max(limit, reel.full_at):
        reel = _within(reel, limit)
    return replace(recording, reels={**recording.reels, channel: reel})


def values_noted(recording: Recording, gate: str, answers: QueryAnswers) -> Recording:
    """The recording with what a gate's own query gave."""
    values = extended(recording.values.get(gate, Values()), answers)
    return replace(recording, values={**recording.values, gate: values})


def thinner(recording: Recording) -> Recording:
    """The recording at about half its resolution, the newest part of it too."""
    reels = {c: _thinned(reel, math.inf) for c, reel in recording.reels.items()}
    return replace(recording, reels=reels)


def to_csv(recording: Recording, revisions: Mapping[Arm, str]) -> str:
    """Requests and errors as `time,pod,revision,requests,errors`, in the order of time.

    `revisions` names each side's revision. Times are epoch seconds, counters cumulative; every
    number is the shortest that reads back as the same.
    """
    reel = recording.reels.get(Channel.ERRORS, ChannelRecording())
    rows = (
        (*_place(each, revisions), shortest(each.sample.requests), shortest(each.sample.errors))
        for each in reel.samples()
    )
    return written(COUNTERS_HEADER, rows)


def parts_to_csv(recording: Recording, revisions: Mapping[Arm, str]) -> str:
    """All other channels, one line for each part; empty when none was recorded."""
    reels = sorted(recording.reels.items(), key=lambda item: item[0].value)
    others = (_labelled(*each) for each in reels if each[0] is not Channel.ERRORS)
    rows = heapq.merge(*others, key=lambda row: row[1].sample.time)
    lines = itertools.chain.from_iterable(_part_rows(*row, revisions) for row in rows)
    first = next(lines, None)
    return written(PARTS_HEADER, itertools.chain((first,), lines)) if first else ""


def read_csv(text: str, revisions: Mapping[Arm, str]) -> dict[Channel, Scrapes]:
    """What a file holds of two revisions, of either form; lines of others are passed over.

    Raises:
        ValueError: it is no such file; says which line is wrong.
    """
    arms = {revision: arm for arm, revision in revisions.items()}
    found: dict[Channel, dict[tuple[PodKey, float], Sample]] = {}
    for channel, revision, pod, sample in records(text, _READERS):
        if revision in arms:
            key = PodKey(arms[revision].value, pod), sample.time
            known = found.setdefault(channel, {}).setdefault(key, sample)
            if known is not sample and sample.parts:
                parts = {**known.parts, **sample.parts}
                found[channel][key] = replace(known, parts=parts)
    return {channel: _scrapes(samples) for channel, samples in found.items()}


def _longer(reel: ChannelRecording, due: tuple[Scraped, ...]) -> ChannelRecording:
    if not due:
        return reel
    *full, last = reel.pieces or ((),)
    if len(last) + len(due) <= _CHUNK:
        due_pieces: tuple[tuple[Scraped, ...], ...] = (last + due,)
    else:
        due_pieces = (last, due) if last else (due,)
    return replace(
        reel, pieces=(*full, *due_pieces), lines=reel.lines + sum(_lines(each) for each in due)
    )


def _lines(each: Scraped) -> int:
    return max(1, len(each.sample.parts))


def _within(reel: ChannelRecording, limit: int) -> ChannelRecording:
    """Thinned until it is below the limit, or hardly anything may be left out; the oldest first."""
    while reel.lines > limit:
        before = reel.lines
        reel = _thinned(reel, _middle(reel))
        if reel.lines > before * _WORTHWHILE:
            reel = _thinned(reel, math.inf)
        if reel.lines > before * _WORTHWHILE:
            return replace(reel, full_at=round(reel.lines * _GROWTH))
    return replace(reel, full_at=0)


def _middle(reel: ChannelRecording) -> float:
    taken = list(reel.samples())
    return taken[len(taken) // 2].sample.time


def _thinned(reel: ChannelRecording, until: float) -> ChannelRecording:
    """Without every second scrape before `until`.

    Counted back from there, so that pods that are scraped together lose the same rounds.
    """
    taken = list(reel.samples())
    needed = _needed(taken)
    skipping: set[PodKey] = set()
    kept: list[Scraped] = []
    for number in range(len(taken) - 1, -1, -1):
        each = taken[number]
        if each.sample.time >= until:
            kept.append(each)
        elif each.key in skipping:
            skipping.discard(each.key)
            kept += [each] if number in needed else []
        else:
            skipping.add(each.key)
            kept.append(each)
    kept.reverse()
    pieces = tuple(tuple(kept[at : at + _CHUNK]) for at in range(0, len(kept), _CHUNK))
    return replace(reel, pieces=pieces, lines=sum(map(_lines, kept)))


def _needed(taken: Sequence[Scraped]) -> set[int]:
    """Places of each pod's first and last sample, and of those around its restarts."""
    found: set[int] = set()
    last: dict[PodKey, int] = {}
    for number, each in enumerate(taken):
        before = last.get(each.key)
        if before is None:
            found.add(number)
        elif restarted(taken[before].sample, each.sample):
            found |= {before, number}
        last[each.key] = number
    return found | set(last.values())


def _place(each: Scraped, revisions: Mapping[Arm, str]) -> tuple[str, str, str]:
    return shortest(each.sample.time), each.key.pod, revisions[Arm(each.key.arm)]


def _labelled(channel: Channel, reel: ChannelRecording) -> Iterator[tuple[Channel, Scraped]]:
    return ((channel, each) for each in reel.samples())


def _part_rows(
    channel: Channel, each: Scraped, revisions: Mapping[Arm, str]
) -> Iterator[tuple[str, ...]]:
    """A sample without parts has one line, with nothing in their place."""
    start = (*_place(each, revisions), channel.value, shortest(each.sample.requests))
    for part, value in each.sample.parts.items():
        yield (*start, part, shortest(value))
    if not each.sample.parts:
        yield (*start, "", "")


def _counters(time: str, pod: str, revision: str, requests: str, errors: str) -> _Line:
    return Channel.ERRORS, revision, pod, Sample(float(time), float(requests), float(errors))


def _parts(  # noqa: PLR0913, PLR0917  (the columns of the file)
    time: str, pod: str, revision: str, channel: str, requests: str, part: str, value: str
) -> _Line:
    parts = {part: float(value)} if part or value else {}
    return Channel(channel), revision, pod, Sample(float(time), float(requests), 0.0, parts)


_READERS: Final[Mapping[tuple[str, ...], Callable[..., _Line]]] = {
    COUNTERS_HEADER: _counters,
    PARTS_HEADER: _parts,
}


def _scrapes(samples: Mapping[tuple[PodKey, float], Sample]) -> Scrapes:
    sides: dict[str, dict[str, list[Sample]]] = {arm.value: {} for arm in Arm}
    for (key, _), sample in sorted(samples.items()):
        sides[key.arm].setdefault(key.pod, []).append(sample)
    return Scrapes(
        until=max(time for _, time in samples),
        stable=sides[Arm.STABLE.value],
        candidate=sides[Arm.CANDIDATE.value],
    )
