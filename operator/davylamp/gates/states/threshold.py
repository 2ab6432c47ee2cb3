"""The classic rule: count windows whose canary error rate is above a bound.

Windows lie end to end from the start of the trial. A scrape belongs to the window in which it was
made, and a window is judged once the history has passed its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from davylamp.gates.rules import Threshold
from davylamp.gates.timeline import Reading
from davylamp.gates.trial import Trial
from davylamp.gates.verdicts import NOTHING, Count


@dataclass(frozen=True, slots=True)
class ThresholdState:
    """What a threshold trial remembers: the open window and the tally of the closed ones.

    `last_good` is the outcome of the last window that said anything; `failed_at` the end of the
    window that used up the failures.
    """

    window: int = 0
    open: Count = NOTHING
    good: int = 0
    bad: int = 0
    last_good: bool = False
    failed_at: float | None = None


def passed_to(trial: Trial, rule: Threshold, book: ThresholdState, now: float) -> ThresholdState:
    """Judge the windows that are over when the history has reached `now`."""
    end = _end(trial, rule, book.window)
    if now <= end:
        return book
    judged = _judged(rule, book, end)
    return replace(judged, window=_index(trial, rule, now), open=Count())


def entered(book: ThresholdState, found: Iterable[Reading]) -> ThresholdState:
    """Add the canary's readings of one instant to the open window."""
    mine = (each.count for each in found if each.candidate)
    return replace(book, open=sum(mine, book.open))


def says_fine(rule: Threshold, book: ThresholdState) -> bool:
    """Tell whether the rule is content: the last measured window good, failures left."""
    return book.last_good and book.bad < rule.failures


def _judged(rule: Threshold, book: ThresholdState, end: float) -> ThresholdState:
    if book.open.requests < rule.min_requests:
        return book
    if book.open.rate <= rule.max_rate:
        return replace(book, good=book.good + 1, last_good=True)
    bad = book.bad + 1
    spent = end if bad >= rule.failures else None
    failed_at = book.failed_at if book.failed_at is not None else spent
    return replace(book, bad=bad, last_good=False, failed_at=failed_at)


def _end(trial: Trial, rule: Threshold, window: int) -> float:
    return trial.started_at + (window + 1) * rule.window


def _index(trial: Trial, rule: Threshold, now: float) -> int:
    """Number of the window that holds `now`; the end of a window belongs to it."""
    return max(0, math.ceil((now - trial.started_at) / rule.window) - 1)
