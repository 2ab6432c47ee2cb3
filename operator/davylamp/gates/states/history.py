"""From samples to state: the one fold that live judging, restarts and replays share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from davylamp.gates import timeline
from davylamp.gates.evidence import overdispersion
from davylamp.gates.evidence.overdispersion import Survey, design_effect
from davylamp.gates.rules import ErrorRate, Query, Statistical, Threshold
from davylamp.gates.samples import Sample, Scrapes
from davylamp.gates.states import query as query_state
from davylamp.gates.states import sequential, threshold
from davylamp.gates.states.query import QueryAnswers, QueryState
from davylamp.gates.states.sequential import Closing, Instant, SequentialState
from davylamp.gates.states.threshold import ThresholdState
from davylamp.gates.timeline import PodKey, Reading, Scraped
from davylamp.gates.trial import Trial
from davylamp.gates.verdicts import NOTHING, Count

Book = SequentialState | ThresholdState | QueryState
CALM_TIMES: Final = 3.0
"""Times its error rate of before the trial above which stable is taken to be in trouble."""
WRONG_BOOK: Final = "this state belongs to a trial under another rule"


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
    first: Mapping[PodKey, float] = field(default_factory=dict)
    """When each pod was first seen."""
    survey: Survey = field(default_factory=Survey)
    """What stable did before the trial."""
    candidate: Count = NOTHING
    stable: Count = NOTHING
    last_request_at: float = -math.inf


def start(trial: Trial) -> GateState:
    """Begin a trial (or its replay) with no samples seen."""
    match trial.rule:
        case Threshold():
            return GateState(ThresholdState())
        case Query():
            return GateState(QueryState())
        case _:
            return GateState(sequential.opened(trial))


def update(trial: Trial, state: GateState, scrapes: Scrapes) -> GateState:
    """Take in new samples up to the watermark `scrapes.until`.

    Give samples from some time before the start of the trial too: they are the baselines of the
    pods that already ran, and show how stable's errors hang together. Repeated samples, and samples
    at or below an earlier watermark, change nothing; samples above the watermark are kept for a
    later call.
    """
    return advanced(trial, state, scrapes)[0]


def advanced(
    trial: Trial, state: GateState, scrapes: Scrapes
) -> tuple[GateState, tuple[Closing, ...]]:
    """See `update`; also gives the blocks that were closed, in order of time."""
    due, pending = timeline.split(state.pending, scrapes, state.watermark)
    last, first, closings = dict(state.last), dict(state.first), list[Closing]()
    state = replace(state, last=last, first=first)
    for moment, group in timeline.instants(due):
        found = timeline.readings(trial, last, group)
        for each in group:
            last[each.key] = each.sample
            first.setdefault(each.key, moment)
        state, closing = _entered(trial, state, found, moment)
        closings += [closing] if closing else []
    watermark = max(state.watermark, scrapes.until)
    book = _passed(trial, state.book, watermark)
    return replace(state, book=book, watermark=watermark, pending=pending), tuple(closings)


def answered(trial: Trial, state: GateState, answers: QueryAnswers) -> GateState:
    """Take in what the user's own query gave up to `answers.until`."""
    if not isinstance(state.book, QueryState) or not isinstance(trial.rule, Query):
        raise TypeError(WRONG_BOOK)
    book = query_state.entered(trial, trial.rule, state.book, answers, after=state.watermark)
    return replace(state, book=book, watermark=max(state.watermark, answers.until))


def _entered(
    trial: Trial, state: GateState, found: list[Reading], moment: float
) -> tuple[GateState, Closing | None]:
    if moment <= trial.started_at:
        return _surveyed(trial, state, found, moment), None
    served = any(each.count.requests for each in found if each.candidate)
    found = timeline.warm(trial, state.first, found)
    candidate = sum((each.count for each in found if each.candidate), state.candidate)
    stable = sum((each.count for each in found if not each.candidate), state.stable)
    instant = Instant(moment, found, state.last, candidate, stable)
    book, closing = _book(trial, state, instant)
    after = replace(
        state,
        book=book,
        candidate=candidate,
        stable=stable,
        last_request_at=moment if served else state.last_request_at,
    )
    return after, closing


def _surveyed(trial: Trial, state: GateState, found: list[Reading], moment: float) -> GateState:
    """Before the trial stable alone is looked at."""
    counts = {each.key.pod: each.count for each in found}
    length = overdispersion.CELL * trial.scrape_interval
    return replace(state, survey=overdispersion.surveyed(state.survey, moment, length, counts))


def _book(trial: Trial, state: GateState, instant: Instant) -> tuple[Book, Closing | None]:
    rule, book = trial.rule, state.book
    match book:
        case SequentialState() if not isinstance(rule, Threshold | Query):
            instant = replace(
                instant, design_effect=design_effect(rule, state.survey), calm=_calm(rule, state)
            )
            return sequential.entered(trial, rule, book, instant)
        case ThresholdState() if isinstance(rule, Threshold):
            book = threshold.passed_to(trial, rule, book, instant.at)
            return threshold.entered(book, instant.readings), None
        case SequentialState() | ThresholdState() | QueryState():
            raise TypeError(WRONG_BOOK)
        case _:
            assert_never(book)


def _calm(rule: Statistical, state: GateState) -> float:
    """The error rate up to which stable does as it did before the trial."""
    if not isinstance(rule, ErrorRate):
        return 1.0
    return max(rule.max_rate, CALM_TIMES * state.survey.total.rate)


def _passed(trial: Trial, book: Book, now: float) -> Book:
    """Let time pass for the rule that works on a clock grid."""
    if isinstance(book, ThresholdState) and isinstance(trial.rule, Threshold):
        return threshold.passed_to(trial, trial.rule, book, now)
    return book
