"""What the gates of one rollout read, small and bounded, and as files that can be judged again."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from davylamp.gates.channels import Channel
from davylamp.gates.kinds.registry import channel_named
from davylamp.gates.kinds.threshold import ERRORS
from davylamp.gates.recording import query_values, thinning
from davylamp.gates.recording.csv import records, shortest, written
from davylamp.gates.recording.query_values import Values
from davylamp.gates.recording.thinning import ChannelRecording
from davylamp.gates.samples import Arm, PodKey, Sample, Scraped, Scrapes
from davylamp.gates.states.timeline import split
from davylamp.gates.values import QueryAnswers

COUNTERS_HEADER: Final = ("time", "pod", "revision", "requests", "errors")
PARTS_HEADER: Final = ("time", "pod", "revision", "channel", "requests", "part", "value")
MOST_SAMPLES: Final = 4_000
"""Samples of requests and errors that are kept; one is one line of a file."""
MOST_LINES: Final = 16_000
"""Lines that are kept of any other channel, where a sample has one for each of its parts."""
_Line: TypeAlias = tuple[Channel, str, str, Sample]
"""Channel, revision, pod and sample of a line; of a part, a sample with that part alone."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was read of the pods of one rollout, by channel, and of user queries, by gate."""

    channels: Mapping[Channel, ChannelRecording] = field(default_factory=dict)
    values: Mapping[str, Values] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """How many samples are kept."""
        return sum(len(piece) for recorded in self.channels.values() for piece in recorded.pieces)


def noted(recording: Recording, channel: Channel, scrapes: Scrapes) -> Recording:
    """The recording with what was read of a channel up to the watermark.

    It takes exactly the samples that the gates take: repeated and late ones are passed over.
    """
    recorded = recording.channels.get(channel, ChannelRecording())
    due, pending = split(recorded.pending, scrapes, recorded.watermark)
    recorded = replace(recorded, watermark=max(recorded.watermark, scrapes.until), pending=pending)
    recorded = thinning.extended(recorded, tuple(due))
    limit = MOST_LINES if channel.has_parts else MOST_SAMPLES
    if recorded.lines > max(limit, recorded.full_at):
        recorded = thinning.within(recorded, limit)
    return replace(recording, channels={**recording.channels, channel: recorded})


def values_noted(recording: Recording, gate: str, answers: QueryAnswers) -> Recording:
    """The recording with what a gate's user query gave."""
    values = query_values.extended(recording.values.get(gate, Values()), answers)
    return replace(recording, values={**recording.values, gate: values})


def thinner(recording: Recording) -> Recording:
    """The recording at about half its resolution, the newest part of it too."""
    channels = {
        c: thinning.thinned(recorded, math.inf) for c, recorded in recording.channels.items()
    }
    return replace(recording, channels=channels)


def to_csv(recording: Recording, revisions: Mapping[Arm, str]) -> str:
    """Requests and errors as `time,pod,revision,requests,errors`, in the order of time.

    `revisions` names each side's revision. Times are epoch seconds, counters cumulative; every
    number is the shortest that reads back as the same.
    """
    recorded = recording.channels.get(ERRORS, ChannelRecording())
    rows = (
        (
            *_place(scraped, revisions),
            shortest(scraped.sample.requests),
            shortest(scraped.sample.errors),
        )
        for scraped in recorded.samples()
    )
    return written(COUNTERS_HEADER, rows)


def parts_to_csv(recording: Recording, revisions: Mapping[Arm, str]) -> str:
    """All other channels, one line for each part; empty when none was recorded."""
    channels = sorted(recording.channels.items(), key=lambda item: item[0].name)
    others = (_labelled(*item) for item in channels if item[0] is not ERRORS)
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
    by_channel: dict[Channel, dict[tuple[PodKey, float], Sample]] = {}
    for channel, revision, pod, sample in records(text, _READERS):
        if revision in arms:
            key = PodKey(arms[revision].value, pod), sample.time
            known = by_channel.setdefault(channel, {}).setdefault(key, sample)
            if known is not sample and channel is not ERRORS:
                by_channel[channel][key] = _joined(known, sample)
    return {channel: _scrapes(samples) for channel, samples in by_channel.items()}


def _joined(known: Sample, line: Sample) -> Sample:
    """A sample of several lines, with what one more of them says."""
    parts, errors = {**known.parts, **line.parts}, line.errors or known.errors
    return replace(known, parts=parts, errors=errors)


def _place(scraped: Scraped, revisions: Mapping[Arm, str]) -> tuple[str, str, str]:
    return shortest(scraped.sample.time), scraped.key.pod, revisions[Arm(scraped.key.arm)]


def _labelled(channel: Channel, recorded: ChannelRecording) -> Iterator[tuple[Channel, Scraped]]:
    return ((channel, scraped) for scraped in recorded.samples())


def _part_rows(
    channel: Channel, scraped: Scraped, revisions: Mapping[Arm, str]
) -> Iterator[tuple[str, ...]]:
    """Errors have a line without a part; a sample with neither has one line with nothing there."""
    sample = scraped.sample
    start = (*_place(scraped, revisions), channel.name, shortest(sample.requests))
    for part, value in sample.parts.items():
        yield (*start, part, shortest(value))
    if sample.errors or not sample.parts:
        yield (*start, "", shortest(sample.errors) if sample.errors else "")


def _counters(time: str, pod: str, revision: str, requests: str, errors: str) -> _Line:
    return ERRORS, revision, pod, Sample(float(time), float(requests), float(errors))


def _parts(  # noqa: PLR0913, PLR0917  (the columns of the file)
    time: str, pod: str, revision: str, channel: str, requests: str, part: str, value: str
) -> _Line:
    of = channel_named(channel)
    parts = {of.stored_part(part): float(value)} if part else {}
    errors = 0.0 if part else float(value or "0")
    return of, revision, pod, Sample(float(time), float(requests), errors, parts)


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
