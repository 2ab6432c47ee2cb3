"""The sentences of a judgement that all kinds share, in numbers a user on call can check."""

from __future__ import annotations

import math

from davylamp.gates.counts import Count
from davylamp.gates.messages.numbers import percent, rounded, tally


def worse(described: str, beyond: str, false_rollback: float) -> str:
    """Say why a canary is rolled back."""
    return (
        f"{described}: {beyond}; a healthy canary shows this with probability below "
        f"{percent(false_rollback)}"
    )


def beyond_both(false_promotion: float) -> str:
    """Say how sure it is that an acceptable canary is not beyond both of its bounds."""
    probability = percent(false_promotion)
    return f"a canary beyond both shows this with probability below {probability}"


def both_fail(described: str, max_rate: float) -> str:
    """Say that an incident hits both revisions."""
    return (
        f"{described}: both above {percent(max_rate)}, which is not the canary's fault; waiting "
        "for it to pass, or for a difference"
    )


def waiting(recent: Count, max_rate: float) -> str:
    """Say why a canary that has proved itself is not promoted at this moment."""
    return (
        f"canary proved acceptable, but its last minute shows {tally(recent)}, "
        f"above {percent(max_rate)}; waiting for it to pass"
    )


def gathering(described: str, needed: int | None) -> str:
    """Say what there is so far and what is still needed."""
    if needed is None:
        return f"{described}; too little to say how many more are needed to decide"
    return f"{described}; about {rounded(needed)} more canary requests needed to decide"


def strength(log_e: float, bound: float) -> str:
    """Say in words how far the evidence against a canary has come; natural log, probability."""
    required = f"({rounded(round(1 / bound))}:1 required)"
    if log_e <= math.log(2):
        return f"no evidence against the canary {required}"
    return f"{_odds(log_e)}:1 against the canary {required}"


def _odds(log_e: float) -> str:
    """Two digits, and a power of ten where it gets long."""
    if log_e > math.log(1e6):
        return f"more than 10^{int(log_e / math.log(10))}"
    return f"{rounded(round(math.exp(log_e))):,}"
