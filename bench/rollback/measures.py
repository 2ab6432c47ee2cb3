"""From answers and versions of objects to numbers: pure."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from lab import records
from lab.kubectl import Object
from lab.records import Record
from lab.watch import Version

REVISION_LABEL = "davylamp.dev/revision"


@dataclass(frozen=True)
class Incident:
    """One bad canary; seconds."""

    first_bad_to_last: float
    bad_answers: int
    canary_answers: int
    lost: int
    to_decision: float
    """First bad answer to the moment of the decision, from the status."""
    to_fence: float
    """Decision to the Service's selector written, as a watch brought it."""
    to_silence: float
    """Selector written to the canary's last answer; below 0 when that came before."""


@dataclass(frozen=True)
class Abort:
    """A user's abort; seconds."""

    typed_to_silence: float
    """Start of `kubectl annotate` to the canary's last answer."""
    stored_to_silence: float
    """Annotation in the API server, as a watch brought it, to the canary's last answer."""
    stored_to_fence: float
    """The operator's share: to the Service's selector written."""
    lost: int


def incident(
    answers: Sequence[Record], service: Sequence[Version], *, revision: str, decided: float
) -> Incident:
    """Measure a bad canary.

    Args:
        answers: every request of the run.
        service: versions of the Service that all traffic goes to.
        revision: the canary's.
        decided: epoch seconds of the decision.
    """
    canary = records.of_revision(answers, revision)
    bad = sorted(record.time for record in records.bad(canary))
    last = max(record.time for record in canary)
    fenced = closed_at(service, revision)
    return Incident(
        first_bad_to_last=bad[-1] - bad[0],
        bad_answers=len(bad),
        canary_answers=len(canary),
        lost=len(records.lost(answers)),
        to_decision=decided - bad[0],
        to_fence=fenced - decided,
        to_silence=last - fenced,
    )


def abort(
    answers: Sequence[Record],
    service: Sequence[Version],
    *,
    revision: str,
    typed: float,
    stored: float,
) -> Abort:
    """Measure an abort: when it was typed and when it was stored, in epoch seconds."""
    last = max(record.time for record in records.of_revision(answers, revision))
    return Abort(
        typed_to_silence=last - typed,
        stored_to_silence=last - stored,
        stored_to_fence=closed_at(service, revision) - stored,
        lost=len(records.lost(answers)),
    )


def closed_at(service: Sequence[Version], revision: str) -> float:
    """When the Service last stopped admitting a revision, epoch seconds.

    Raises:
        ValueError: it never did.
    """
    pairs = itertools.pairwise(service)
    closed = [
        after.at
        for before, after in pairs
        if admits(before.object, revision) and not admits(after.object, revision)
    ]
    if not closed:
        raise ValueError(f"no version of the Service stops admitting {revision}")
    return closed[-1]


def admits(service: Object, revision: str) -> bool:
    """Whether a Service selects pods of a revision."""
    selector = service["spec"]["selector"]
    return bool(selector.get(REVISION_LABEL, revision) == revision)


def stored_at(models: Sequence[Version], annotation: str, value: str) -> float:
    """When a watch first brought an annotation; epoch seconds.

    Raises:
        ValueError: it never did.
    """
    for version in models:
        if version.object["metadata"].get("annotations", {}).get(annotation) == value:
            return version.at
    raise ValueError(f"no version has {annotation}={value}")
