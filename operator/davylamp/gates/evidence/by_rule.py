"""Which test belongs to which rule."""

from __future__ import annotations

from typing import assert_never

from davylamp.gates.evidence import distance, error_rate, group_gap, latency
from davylamp.gates.evidence.e_process import LogEValues, LogLikelihoodRatios, says_fine
from davylamp.gates.evidence.error_rate import Lately
from davylamp.gates.rules import (
    ErrorRate,
    GroupGap,
    Latency,
    ScoreDistance,
    ShareDistance,
    Statistical,
)
from davylamp.gates.verdicts import Count, Pair


def gains(rule: Statistical, past: Pair, block: Pair, lately: Lately | None) -> LogLikelihoodRatios:
    """What a block says in which both revisions served; `past` are all blocks before it.

    With `lately` errors are bet on.
    """
    match rule:
        case ErrorRate():
            return error_rate.gains(rule, block, lately)
        case Latency():
            return latency.gains(rule, past, block)
        case ScoreDistance() | ShareDistance():
            return distance.gains(rule, past, block)
        case GroupGap():
            return group_gap.gains(rule, block)
        case _:
            assert_never(rule)


def gains_alone(
    rule: Statistical, past: Count, block: Count, lately: Lately | None
) -> LogLikelihoodRatios:
    """What a block of canary traffic says where stable has no pods."""
    match rule:
        case ErrorRate():
            return error_rate.gains_alone(rule, block, lately)
        case Latency():
            return latency.gains_alone(rule, block)
        case ScoreDistance() | ShareDistance():
            return distance.gains_alone(rule, past, block)
        case GroupGap():
            return group_gap.gains_alone(rule, block)
        case _:
            assert_never(rule)


def fine(rule: Statistical, at: LogEValues, past: Pair) -> bool:
    """Whether so much was seen that the canary may be promoted."""
    match rule:
        case ErrorRate() | Latency():
            return says_fine(rule, at)
        case ScoreDistance() | ShareDistance():
            return distance.fine(rule, past)
        case GroupGap():
            return group_gap.fine(rule, past)
        case _:
            assert_never(rule)
