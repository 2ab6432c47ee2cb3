"""The classic rule: count windows whose canary error rate is above a bound.

Windows lie end to end from the start of the trial. A scrape belongs to the window in which it was
made, and a window is judged once the history has passed its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from davylamp.gates.counts import NOTHING, Count
from davylamp.gates.samples import PodIncrement


class Windows(Protocol):
    """What is asked of the rule: when a window is bad, and how many bad ones fail."""

    @property
    def max_rate(self) -> float:
        """Error rate above which a window is bad."""

    @property
    def failures(self) -> int:
        """Bad windows that fail."""

    @property
    def window(self) -> float:
        """Length in seconds."""

    @property
    def min_requests(self) -> int:
        """Canary requests below which a window says nothing."""


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


def passed_to(began: float, rule: Windows, account: ThresholdState, now: float) -> ThresholdState:
    """Judge the windows that are over when the history has reached `now`."""
    end = _end(began, rule, account.window)
    if now <= end:
        return account
    judged = _judged(rule, account, end)
    return replace(judged, window=_index(began, rule, now), open=Count())


def entered(account: ThresholdState, increments: Iterable[PodIncrement]) -> ThresholdState:
    """Add the canary's increments of one instant to the open window."""
    mine = (increment.count for increment in increments if increment.candidate)
    return replace(account, open=sum(mine, account.open))


def accepts(rule: Windows, account: ThresholdState) -> bool:
    """Tell whether the rule is content: the last measured window good, failures left."""
    return account.last_good and account.bad < rule.failures


def _judged(rule: Windows, account: ThresholdState, end: float) -> ThresholdState:
    if account.open.requests < rule.min_requests:
        return account
    if account.open.rate <= rule.max_rate:
        return replace(account, good=account.good + 1, last_good=True)
    bad = account.bad + 1
    spent = end if bad >= rule.failures else None
    failed_at = account.failed_at if account.failed_at is not None else spent
    return replace(account, bad=bad, last_good=False, failed_at=failed_at)


def _end(began: float, rule: Windows, window: int) -> float:
    return began + (window + 1) * rule.window


def _index(began: float, rule: Windows, now: float) -> int:
    """Number of the window that holds `now`; the end of a window belongs to it."""
    return max(0, math.ceil((now - began) / rule.window) - 1)
