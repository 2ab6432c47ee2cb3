"""The sentences of a judgement: what was seen, in numbers a person on call can check."""

from __future__ import annotations

import math
from typing import assert_never

from davylamp.gates.messages import describe
from davylamp.gates.messages.numbers import percent, rounded, tally
from davylamp.gates.rules import (
    ErrorRate,
    GroupGap,
    Latency,
    Query,
    ScoreDistance,
    ShareDistance,
    Statistical,
    Threshold,
)
from davylamp.gates.states.query import QueryState, Value
from davylamp.gates.states.threshold import ThresholdState
from davylamp.gates.verdicts import Count, Pair


def worse(rule: Statistical, seen: Pair, *, alone: bool) -> str:
    """Say why a canary is taken back."""
    return (
        f"{describe.told(rule, seen, alone=alone)}: {_beyond(rule, alone=alone)}; "
        f"chance of this in a healthy canary below {percent(rule.false_rollback)}"
    )


def fine(rule: Statistical, seen: Pair) -> str:
    """Say why a canary may be promoted."""
    told = f"{describe.told(rule, seen, alone=False)}: {_within(rule)}"
    match rule:
        case ErrorRate() | Latency():
            chance = percent(rule.false_promotion)
            return f"{told}; chance of this in a canary beyond both below {chance}"
        case ScoreDistance() | ShareDistance() | GroupGap():
            return f"{told}; enough was seen that twice as much would have been found"
        case _:
            assert_never(rule)


def held(rule: ErrorRate, recent: Count) -> str:
    """Say why a canary that has proved itself is not promoted at this moment."""
    return (
        f"canary proved acceptable, but its last minute shows {tally(recent)}, "
        f"above {percent(rule.tolerated_rate)}; waiting for it to pass"
    )


def gathering(rule: Statistical, seen: Pair, needed: int | None) -> str:
    """Say what there is so far and what is still needed."""
    told = describe.so_far(rule, seen)
    if needed is None:
        return f"{told}; too little to say how many more are needed to decide"
    return f"{told}; about {rounded(needed)} more canary requests needed to decide"


def both(rule: ErrorRate, seen: Pair) -> str:
    """Say that an incident hits both revisions."""
    return (
        f"{describe.so_far(rule, seen)}: both above {percent(rule.max_rate)}, which is not the "
        "canary's fault; waiting for it to pass, or for a difference"
    )


def strength(log_e: float, bound: float) -> str:
    """Say in words how far the evidence against a canary has come; natural log, probability."""
    wanted = f"{rounded(round(1 / bound))} to 1 is enough"
    if log_e <= math.log(2):
        return f"no evidence against the canary; {wanted}"
    return f"{_odds(log_e)} to 1 against a healthy canary; {wanted}"


def threshold(rule: Threshold, book: ThresholdState, candidate: Count) -> str:
    """Say where the classic rule stands."""
    return (
        f"canary {tally(candidate)}: {book.bad} of {book.bad + book.good} measured "
        f"{rule.window:g} s windows above {percent(rule.max_rate)} ({rule.failures} roll back)"
    )


def query(rule: Query, book: QueryState) -> str:
    """Say where the user's own query stands."""
    value = book.failed_with or book.last
    if value is None:
        return "the query has had no value yet"
    limit = f"{rule.failures} take back"
    if rule.in_a_row is not None:
        limit += f", or {rule.in_a_row} in a row"
    counted = f"{book.bad} of {book.bad + book.good} values out of bounds ({limit})"
    return f"{_value(rule, value)}; {counted}"


def _value(rule: Query, value: Value) -> str:
    parts = []
    low, high = rule.lowest > -math.inf, rule.highest < math.inf
    if low and high:
        parts.append(f"between {rule.lowest:g} and {rule.highest:g}")
    elif low or high:
        parts.append(f"at least {rule.lowest:g}" if low else f"at most {rule.highest:g}")
    if rule.ratio is not None:
        parts.append(f"at most {rule.ratio:g}x stable's {value.stable:.4g}")
    return f"value {value.candidate:.4g}, wanted {' or '.join(parts)}"


def _beyond(rule: Statistical, *, alone: bool) -> str:
    match rule:
        case ErrorRate():
            bound = f"above {percent(rule.max_rate)}"
            return bound if alone else f"more than {rule.ratio:g}x and {bound}"
        case Latency():
            more = f"more than {rule.ratio:g}x as often"
            bound = "" if rule.over is None else f"above {percent(rule.max_share)}"
            return bound if alone else " and ".join(filter(None, (more, bound)))
        case ScoreDistance() | ShareDistance():
            return f"more than {rule.distance:g} apart"
        case GroupGap():
            return f"above {rule.max_gap:g} and more than {rule.increase:g} above stable's"
        case _:
            assert_never(rule)


def _within(rule: Statistical) -> str:
    match rule:
        case ErrorRate():
            return f"within {rule.promote_ratio:g}x of stable or {percent(rule.tolerated_rate)}"
        case Latency():
            bound = "" if rule.over is None else f" or {percent(rule.max_share)}"
            return f"within {rule.promote_ratio:g}x of stable{bound}"
        case ScoreDistance() | ShareDistance():
            return f"within {rule.distance:g}"
        case GroupGap():
            return f"within {rule.max_gap:g} or {rule.increase:g} of stable's"
        case _:
            assert_never(rule)


def _odds(log_e: float) -> str:
    """Two digits, and a power of ten where it gets long."""
    if log_e > math.log(1e6):
        return f"more than 10^{int(log_e / math.log(10))}"
    return f"{rounded(round(math.exp(log_e))):,}"
