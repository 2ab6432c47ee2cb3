"""How large a difference is, with its uncertainty, in words that several kinds share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import interval
from davylamp.gates.messages.numbers import percent

CONFIDENCE: Final = 0.95
NO_NEWS: Final = 0.01
"""Multiples of stable's odds below this, or above its inverse, are no news."""


def effect(counts: Pair) -> str:
    """Give the size of the difference with an interval that holds at any time, for the status."""
    if not counts.candidate.requests:
        return ""
    text = f"canary {_with_interval(counts.candidate)}"
    if not counts.stable.requests:
        return text
    text += f", stable {_with_interval(counts.stable)}"
    return text + _times(interval.ratio_interval(counts, CONFIDENCE))


def movers(moved: Iterable[tuple[str, float, float]], of: str = "") -> str:
    """Name what differs most: name, canary's share, the reference's; `of` says what has such names."""
    return "".join(
        f", {of}{name} {percent(canary)} against {percent(reference)}"
        for name, canary, reference in moved
    )


def _times(odds: interval.Interval) -> str:
    """How many times stable's the odds are; nothing where that is not known within a hundredfold."""
    low, high = odds.low >= NO_NEWS, odds.high <= 1 / NO_NEWS
    if low and high:
        return f"; odds {odds.low:.2g}x to {odds.high:.2g}x stable's"
    if low:
        return f"; odds at least {odds.low:.2g}x stable's"
    return f"; odds at most {odds.high:.2g}x stable's" if high else ""


def _with_interval(count: Count) -> str:
    bounds = interval.rate_interval(count, CONFIDENCE)
    low, high = percent(bounds.low), percent(bounds.high)
    return f"{percent(count.rate)} (95 % confidence sequence {low.removesuffix(' %')}-{high})"
