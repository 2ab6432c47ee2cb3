"""The sentences of a judgement that all kinds share, in numbers a user on call can check."""

from __future__ import annotations

import math

from davylamp.gates.messages.numbers import percent, rounded


def worse(described: str, beyond: str, false_rollback: float) -> str:
    """Say why a canary is rolled back."""
    return (
        f"{described}: {beyond}; chance of this in a healthy canary below {percent(false_rollback)}"
    )


def gathering(described: str, needed: int | None) -> str:
    """Say what there is so far and what is still needed."""
    if needed is None:
        return f"{described}; too little to say how many more are needed to decide"
    return f"{described}; about {rounded(needed)} more canary requests needed to decide"


def strength(log_e: float, bound: float) -> str:
    """Say in words how far the evidence against a canary has come; natural log, probability."""
    wanted = f"{rounded(round(1 / bound))} to 1 is enough"
    if log_e <= math.log(2):
        return f"no evidence against the canary; {wanted}"
    return f"{_odds(log_e)} to 1 against a healthy canary; {wanted}"


def _odds(log_e: float) -> str:
    """Two digits, and a power of ten where it gets long."""
    if log_e > math.log(1e6):
        return f"more than 10^{int(log_e / math.log(10))}"
    return f"{rounded(round(math.exp(log_e))):,}"
