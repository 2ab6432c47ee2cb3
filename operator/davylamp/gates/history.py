"""From samples to state: the one fold that live judging, restarts and replays share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from davylamp.gates import sequential_book, threshold, timeline
from davylamp.gates.rules import Sequential, Threshold, Trial
from davylamp.gates.samples import Sample, Scrapes
from davylamp.gates.sequential_book import Instant, SequentialBook
from davylamp.gates.threshold import ThresholdBook
from davylamp.gates.timeline import PodKey, Reading, Scraped
from davylamp.gates.verdicts import NOTHING, Count

Book = SequentialBook | ThresholdBook


@dataclass(frozen=True)
class GateState:
    """Everything a gate remembers between two calls; callers keep it and never look inside.

    It is a pure function of the trial and of the samples up to the watermark, so it may be thrown
    away and rebuilt from the source at any time.
    """

    book: Book
    watermark: float = -math.inf
    pending: tuple[Scraped, ...] = ()
    last: Mapping[PodKey, Sample] = field(default_factory=dict)
    candidate: Count = NOTHING
    stable: Count = NOTHING
    last_request_at: float = -math.inf


def start(trial: Trial) -> GateState:
    """Begin a trial (or its replay) with no samples seen."""
    if isinstance(trial.rule, Sequential):
        return GateState(sequential_book.opened(trial))
    return GateState(ThresholdBook())


def update(trial: Trial, state: GateState, scrapes: Scrapes) -> GateState:
    """Take in new samples up to the watermark `scrapes.until`.

    Give samples from a few scrape intervals before the start of the trial too: they are the
    baselines of the pods that already ran. Repeated samples, and samples at or below an earlier
    watermark, change nothing; samples above the watermark are kept for a later call.
    """
    due, pending = timeline.split(state.pending, scrapes, state.watermark)
    last = dict(state.last)
    for moment, group in timeline.instants(due):
        found = timeline.readings(trial, last, group)
        last.update((each.key, each.sample) for each in group)
        state = _entered(trial, state, found, (moment, last))
    watermark = max(state.watermark, scrapes.until)
    book = _passed(trial, state.book, watermark)
    return replace(state, book=book, watermark=watermark, pending=pending, last=last)


def _entered(
    trial: Trial,
    state: GateState,
    found: list[Reading],
    seen: tuple[float, Mapping[PodKey, Sample]],
) -> GateState:
    moment, last = seen
    mine = [each.count for each in found if each.candidate]
    candidate = sum(mine, state.candidate)
    stable = sum((each.count for each in found if not each.candidate), state.stable)
    served = any(count.requests for count in mine)
    instant = Instant(moment, found, last, candidate, stable)
    return replace(
        state,
        book=_book(trial, state.book, instant),
        candidate=candidate,
        stable=stable,
        last_request_at=moment if served else state.last_request_at,
    )


def _book(trial: Trial, book: Book, instant: Instant) -> Book:
    rule = trial.rule
    if isinstance(book, SequentialBook) and isinstance(rule, Sequential):
        return sequential_book.entered(trial, rule, book, instant)
    if isinstance(book, ThresholdBook) and isinstance(rule, Threshold):
        book = threshold.passed_to(trial, rule, book, instant.at)
        return threshold.entered(book, instant.readings)
    raise TypeError("this state belongs to a trial under another rule")


def _passed(trial: Trial, book: Book, now: float) -> Book:
    """Let time pass for the rule that works on a clock grid."""
    if isinstance(book, ThresholdBook) and isinstance(trial.rule, Threshold):
        return threshold.passed_to(trial, trial.rule, book, now)
    return book
