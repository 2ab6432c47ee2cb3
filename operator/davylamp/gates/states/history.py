"""From samples to state: the one fold that live judging, restarts and replays share."""

from __future__ import annotations

from dataclasses import replace

from davylamp.gates.evidence import overdispersion
from davylamp.gates.samples import PodIncrement, Scrapes
from davylamp.gates.states import timeline
from davylamp.gates.states.gate_state import Closing, GateState, Instant
from davylamp.gates.trial import Trial
from davylamp.gates.values import QueryAnswers


def start(trial: Trial) -> GateState:
    """Begin a trial (or its replay) with no samples known."""
    return GateState(trial.rule.opened(trial))


def advanced(
    trial: Trial, state: GateState, scrapes: Scrapes
) -> tuple[GateState, tuple[Closing, ...]]:
    """Take in new samples up to the watermark `scrapes.until`; also gives the blocks they closed.

    Give samples from some time before the start of the trial too: they are the baselines of the
    pods that already ran, and show how much stable's errors are correlated. Repeated samples, and
    samples at or below an earlier watermark, change nothing; samples above the watermark are kept
    for a later call.
    """
    due, pending = timeline.split(state.pending, scrapes, state.watermark)
    last, first, closings = dict(state.last), dict(state.first), list[Closing]()
    state = replace(state, last=last, first=first)
    for moment, group in timeline.instants(due):
        increments = timeline.increments(trial, last, group)
        for scraped in group:
            last[scraped.key] = scraped.sample
            first.setdefault(scraped.key, moment)
        state, closing = _entered(trial, state, increments, moment)
        closings += [closing] if closing else []
    watermark = max(state.watermark, scrapes.until)
    account = trial.rule.passed(trial, state.account, watermark)
    state = replace(state, account=account, watermark=watermark, pending=pending)
    return state, tuple(closings)


def answered(trial: Trial, state: GateState, answers: QueryAnswers) -> GateState:
    """Take in what the user query gave up to `answers.until`."""
    account = trial.rule.answered(trial, state.account, answers, state.watermark)
    return replace(state, account=account, watermark=max(state.watermark, answers.until))


def _entered(
    trial: Trial, state: GateState, increments: list[PodIncrement], moment: float
) -> tuple[GateState, Closing | None]:
    if moment <= trial.started_at:
        return _surveyed(trial, state, increments, moment), None
    served = any(increment.count.requests for increment in increments if increment.candidate)
    increments = timeline.warm(trial, state.first, increments)
    candidate = sum((i.count for i in increments if i.candidate), state.candidate)
    stable = sum((i.count for i in increments if not i.candidate), state.stable)
    instant = Instant(moment, increments, state.last, candidate, stable, state.survey)
    account, closing = trial.rule.entered(trial, state.account, instant)
    after = replace(
        state,
        account=account,
        candidate=candidate,
        stable=stable,
        last_request_at=moment if served else state.last_request_at,
    )
    return after, closing


def _surveyed(
    trial: Trial, state: GateState, increments: list[PodIncrement], moment: float
) -> GateState:
    """Before the trial stable alone is looked at."""
    counts = {increment.key.pod: increment.count for increment in increments}
    length = overdispersion.CELL * trial.scrape_interval
    return replace(state, survey=overdispersion.surveyed(state.survey, moment, length, counts))
