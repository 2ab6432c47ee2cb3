"""The sentences of a judgement: what was seen, in numbers a person on call can check."""

from __future__ import annotations

from davylamp.gates.rules import Sequential, Threshold
from davylamp.gates.threshold import ThresholdBook
from davylamp.gates.verdicts import Count


def worse(rule: Sequential, candidate: Count, stable: Count, *, alone: bool) -> str:
    """Say why a canary is rolled back."""
    seen = f"canary {tally(candidate)} against " + (
        "no stable pods" if alone else f"stable {_short(stable)}"
    )
    bounds = f"above {percent(rule.max_rate)}"
    if not alone:
        bounds = f"more than {rule.ratio:g}x and {bounds}"
    return (
        f"{seen}: {bounds}; chance of this in a healthy canary below {percent(rule.false_rollback)}"
    )


def fine(rule: Sequential, candidate: Count, stable: Count) -> str:
    """Say why a canary may be promoted."""
    return (
        f"canary {tally(candidate)} against stable {_short(stable)}: within "
        f"{rule.promote_ratio:g}x of stable or {percent(rule.tolerated_rate)}; chance of this in "
        f"a canary beyond both below {percent(rule.false_promotion)}"
    )


def held(rule: Sequential, recent: Count) -> str:
    """Say why a canary that has proved itself is not promoted at this moment."""
    return (
        f"canary proved acceptable, but its last minute shows {tally(recent)}, "
        f"above {percent(rule.tolerated_rate)}; waiting for it to pass"
    )


def gathering(candidate: Count, stable: Count, needed: int | None) -> str:
    """Say what there is so far and what is still needed."""
    seen = f"canary {tally(candidate)}, stable {_short(stable)}"
    if needed is None:
        return f"{seen}; too little to say how many more are needed to decide"
    return f"{seen}; about {_rounded(needed)} more canary requests needed to decide"


def threshold(rule: Threshold, book: ThresholdBook, candidate: Count) -> str:
    """Say where the classic rule stands."""
    return (
        f"canary {tally(candidate)}: {book.bad} of {book.bad + book.good} measured "
        f"{rule.window:g} s windows above {percent(rule.max_rate)} ({rule.failures} roll back)"
    )


def tally(count: Count) -> str:
    """Give a count in words."""
    return f"{count.errors} errors of {count.requests} requests ({percent(count.rate)})"


def percent(share: float) -> str:
    """Give a fraction as a percentage with two or three digits."""
    value = 100 * share
    return f"{value:.3g} %" if value >= 1 else f"{value:.2g} %"


def _short(count: Count) -> str:
    return f"{count.errors} of {count.requests} ({percent(count.rate)})"


def _rounded(number: int) -> int:
    """Two leading digits: more would pretend."""
    digits = max(0, len(str(number)) - 2)
    return int(round(number, -digits))
