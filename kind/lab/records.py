"""What requests were answered: one record each, and questions over many."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

OK = 200
NO_ANSWER = 0
PAUSE = 0.25
"""Seconds between two answers that are nothing unusual at 100 requests per second."""


@dataclass(frozen=True)
class Record:
    """One finished request.

    `time` is when the answer was complete, in epoch seconds; `status` 0 means that none came, and
    `error` then says why.
    """

    time: float
    latency_ms: float
    status: int
    revision: str
    tag: str
    error: str


def parse(line: str) -> Record | None:
    """A record from one line of the traffic generator; None for anything else it may print."""
    fields = line.rstrip("\n").split(",", 5)
    try:
        time, latency, status, revision, tag, error = fields
        return Record(float(time), float(latency), int(status), revision, tag, error)
    except ValueError:
        return None


def failures(records: Iterable[Record]) -> list[Record]:
    """Requests that got no good answer: an error, or none at all."""
    return [record for record in records if record.status != OK]


def bad(records: Iterable[Record]) -> list[Record]:
    """Answers that were errors of the model."""
    return [record for record in records if record.status >= 500]


def lost(records: Iterable[Record]) -> list[Record]:
    """Requests that nobody answered."""
    return [record for record in records if record.status == NO_ANSWER]


def once_reachable(records: Sequence[Record]) -> list[Record]:
    """Requests from the first answer of a model on.

    Nodes hear of a new Service a bit later. Until then its address leads out of the cluster, where
    nobody answers, or somebody else: a gateway that answers 404 to any address on port 80 does.
    """
    first = next((n for n, record in enumerate(records) if record.revision), len(records))
    return list(records[first:])


def of_tag(records: Iterable[Record], tag: str) -> list[Record]:
    """Answers of one image tag."""
    return [record for record in records if record.tag == tag]


def of_revision(records: Iterable[Record], revision: str) -> list[Record]:
    """Answers of one revision."""
    return [record for record in records if record.revision == revision]


def first_bad(records: Iterable[Record], tag: str) -> Record | None:
    """The first error of a tag."""
    return min(bad(of_tag(records, tag)), key=_time, default=None)


def last_bad(records: Iterable[Record], tag: str) -> Record | None:
    """The last error of a tag."""
    return max(bad(of_tag(records, tag)), key=_time, default=None)


def first_answer(records: Iterable[Record], tag: str) -> Record | None:
    """The first answer of a tag."""
    return min(of_tag(records, tag), key=_time, default=None)


def last_answer(records: Iterable[Record], tag: str) -> Record | None:
    """The last answer of a tag."""
    return max(of_tag(records, tag), key=_time, default=None)


def bad_seconds(records: Sequence[Record], tag: str) -> float | None:
    """Seconds from the first to the last error of a tag; None where there was none."""
    first, last = first_bad(records, tag), last_bad(records, tag)
    return last.time - first.time if first and last else None


def between(records: Iterable[Record], begin: float, end: float) -> list[Record]:
    """Requests that ended in [begin, end), epoch seconds."""
    return [record for record in records if begin <= record.time < end]


def stalled(records: Iterable[Record], begin: float, end: float) -> float:
    """Seconds in [begin, end] in which no request at all was answered, beyond the usual pauses.

    Steady traffic to a Service whose pods all run has no such gaps unless the machine stands still.
    """
    times = sorted(record.time for record in between(records, begin, end))
    gaps = (after - before for before, after in itertools.pairwise([begin, *times, end]))
    return sum(gap - PAUSE for gap in gaps if gap > PAUSE)


def rates(records: Sequence[Record], *, seconds: float) -> dict[tuple[str, int], float]:
    """Requests per second by (tag, status), over records that cover `seconds`."""
    counted = Counter((record.tag, record.status) for record in records)
    return {key: number / seconds for key, number in sorted(counted.items())}


def _time(record: Record) -> float:
    return record.time
