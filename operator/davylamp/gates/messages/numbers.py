"""Numbers the way people say them."""

from __future__ import annotations

from typing import Final

from davylamp.gates.counts import Count

_LEAST_PERCENT: Final = 0.001


def tally(count: Count) -> str:
    """Give a count in words."""
    return f"{count.errors} errors of {count.requests} requests ({percent(count.rate)})"


def short(count: Count) -> str:
    """Give a count in few words."""
    return f"{count.errors} of {count.requests} ({percent(count.rate)})"


def percent(share: float) -> str:
    """Give a fraction as a percentage with two or three digits."""
    value = 100 * share
    if 0 < value < _LEAST_PERCENT:
        return f"<{_LEAST_PERCENT} %"
    return f"{value:.3g} %" if value >= 1 else f"{value:.2g} %"


def rounded(number: int) -> int:
    """Two leading digits: more would pretend."""
    digits = max(0, len(str(number)) - 2)
    return int(round(number, -digits))
