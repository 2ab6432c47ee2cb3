"""What a rule found, described: counts, rates, distances, with their uncertainty."""

from __future__ import annotations

from typing import Final, assert_never

from davylamp.gates.evidence import distance, group_gap, interval, latency
from davylamp.gates.messages.numbers import percent, short, tally
from davylamp.gates.rules import (
    ErrorRate,
    GroupGap,
    Latency,
    ScoreDistance,
    ShareDistance,
    Statistical,
)
from davylamp.gates.verdicts import Count, Pair

CONFIDENCE: Final = 0.95
LEAST_TOLD: Final = 0.01
"""Multiples of stable's odds below this, or above its inverse, are no news."""


def told(rule: Statistical, seen: Pair, *, alone: bool) -> str:
    """Say how the canary stands against stable; `alone` if stable has no pods."""
    match rule:
        case ErrorRate():
            other = "no stable pods" if alone else f"stable {short(seen.stable)}"
            return f"canary {tally(seen.candidate)} against {other}"
        case Latency():
            return _slower(rule, seen, alone=alone)
        case ScoreDistance():
            return _scores(rule, seen)
        case ShareDistance():
            return _shares(rule, seen)
        case GroupGap():
            return _gaps(rule, seen, alone=alone)
        case _:
            assert_never(rule)


def so_far(rule: Statistical, seen: Pair) -> str:
    """Say the same of a canary that nothing is decided about."""
    if isinstance(rule, ErrorRate):
        return f"canary {tally(seen.candidate)}, stable {short(seen.stable)}"
    return told(rule, seen, alone=False)


def bad(rule: Statistical, seen: Pair) -> Pair:
    """The counts in which `errors` is what the rule takes for bad; 0 as long as it has no measure."""
    if isinstance(rule, Latency):
        at = _boundary(rule, seen)
        if at is None and rule.over is None:
            return Pair(Count(seen.candidate.requests), Count(seen.stable.requests))
        return Pair(latency.slow(rule, seen.candidate, at), latency.slow(rule, seen.stable, at))
    return seen


def effect(rule: Statistical, seen: Pair) -> str:
    """Give the size of the difference with an interval that holds at any time, for the status."""
    if not isinstance(rule, ErrorRate | Latency) or not seen.candidate.requests:
        return ""
    counts = bad(rule, seen)
    text = f"canary {_with_interval(counts.candidate)}"
    if not counts.stable.requests:
        return text
    text += f", stable {_with_interval(counts.stable)}"
    return text + _times(interval.ratio_interval(counts, CONFIDENCE))


def _times(odds: interval.Interval) -> str:
    """How many times stable's the odds are; nothing where that is not known within a hundredfold."""
    low, high = odds.low >= LEAST_TOLD, odds.high <= 1 / LEAST_TOLD
    if low and high:
        return f"; odds {odds.low:.2g}x to {odds.high:.2g}x stable's"
    if low:
        return f"; odds at least {odds.low:.2g}x stable's"
    return f"; odds at most {odds.high:.2g}x stable's" if high else ""


def _with_interval(count: Count) -> str:
    found = interval.rate_interval(count, CONFIDENCE)
    low, high = percent(found.low), percent(found.high)
    return f"{percent(count.rate)} (95 % sure: {low.removesuffix(' %')} to {high})"


def _boundary(rule: Latency, seen: Pair) -> str | None:
    if rule.over is not None:
        return None
    worst = latency.worst_boundary(rule, seen)
    return None if worst is None else f"{worst:g}"


def _slower(rule: Latency, seen: Pair, *, alone: bool) -> str:
    bound = f"{rule.over:g}" if rule.over is not None else _boundary(rule, seen)
    if bound is None:
        return f"latencies of {seen.candidate.requests} canary requests"
    counts = bad(rule, seen)
    mine, theirs = counts.candidate, counts.stable
    other = "no stable pods" if alone else f"stable {short(theirs)}"
    return (
        f"canary {mine.errors} of {mine.requests} requests slower than {bound} s "
        f"({percent(mine.rate)}) against {other}"
    )


def _scores(rule: ScoreDistance, seen: Pair) -> str:
    found = distance.distance_between(rule, seen)
    counted = f"predictions of {seen.candidate.requests} canary and {seen.stable.requests} stable"
    if found is None:
        return f"{counted} answers, too few to compare"
    measure = "Wasserstein" if rule.ordered else "total variation"
    index = distance.psi(seen)
    known = "" if index is None else f"; PSI {index:.2g}"
    return f"{counted} answers are {found:.2g} apart ({measure}{known}){_movers(rule, seen)}"


def _shares(rule: ShareDistance, seen: Pair) -> str:
    counted = f"explanations of {seen.candidate.requests} canary answers"
    parts = []
    stable = distance.distance_between(rule, seen) if rule.against_stable else None
    if stable is not None:
        parts.append(f"{stable:.2g} from stable's")
    trained = distance.baseline_distance(rule, seen.candidate)
    if trained is not None:
        parts.append(f"{trained:.2g} from those of training")
    if not parts:
        return f"{counted}, too few to compare"
    return f"{counted} are {' and '.join(parts)}{_movers(rule, seen)}"


def _movers(rule: ScoreDistance | ShareDistance, seen: Pair) -> str:
    moved = distance.biggest_movers(rule, seen, 2)
    told = (f"{name} {percent(mine)} against {percent(theirs)}" for name, mine, theirs in moved)
    return "".join(f", {each}" for each in told)


def _gaps(rule: GroupGap, seen: Pair, *, alone: bool) -> str:
    mine = group_gap.gap(rule, seen.candidate)
    what = "positive answers" if rule.positive else "errors"
    if mine is None:
        return f"{what} by group of {seen.candidate.requests} canary rows, too few to compare"
    text = (
        f"{what} of group {mine.largest_group} {percent(mine.largest_rate)}, of group "
        f"{mine.smallest_group} {percent(mine.smallest_rate)}: a gap of {mine.size:.2g}"
    )
    theirs = None if alone else group_gap.gap(rule, seen.stable)
    return f"{text} against stable's {theirs.size:.2g}" if theirs else text
