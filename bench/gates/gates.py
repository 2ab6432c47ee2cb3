"""The gates of the design's tables, and how each sees the pods."""

from __future__ import annotations

from dataclasses import dataclass

from bench.gates.canaries import DIRECT, Lens

from davylamp.gates import ErrorRate
from davylamp.simulation.peers import ClassicRule, argo


@dataclass(frozen=True)
class Gate:
    """A column of a table: a gate of the product, or a classic rule."""

    name: str
    rule: ErrorRate | ClassicRule
    lens: Lens = DIRECT


FAST = ErrorRate(burst=1.0)
CAREFUL = ErrorRate(burst=1.0, min_blocks=4)
ONE_BLOCK = ErrorRate(burst=1.0, min_blocks=1)
CLUSTERS = ErrorRate(burst=5.0)
CAREFUL_CLUSTERS = ErrorRate(burst=5.0, min_blocks=4)
AUTO = ErrorRate()
BETTING = Lens(bursty=True)
SURVEYED = Lens(history=600.0)
"""Ten minutes of stable before the canary, from which the gate chooses its burst or to bet."""

PRODUCT = (
    Gate("e-gate 5s", FAST),
    Gate("e-gate 15s", FAST, Lens(step=15.0)),
    Gate("e-gate 60s", FAST, Lens(step=60.0)),
    Gate("e-gate 60s K=1", ONE_BLOCK, Lens(step=60.0)),
    Gate("e-gate 5s K=4", CAREFUL),
    Gate("e-gate 5s floor .5%", ErrorRate(burst=1.0, max_rate=0.005)),
    Gate("bet-gate 5s", AUTO, BETTING),
    Gate("auto 5s", AUTO, SURVEYED),
)
CLASSIC = (
    Gate("Argo FL=1", argo("", 60.0, 120.0, 1)),
    Gate("Argo FL=3", argo("", 60.0, 120.0, 3)),
    Gate("thr 3% FL=1", argo("", 60.0, 120.0, 1, max_rate=0.03)),
    Gate("Flagger 5", ClassicRule("", 60.0, 60.0, 5, empty_fails=True, bound_fails=False)),
)
AT_BOUNDS = (Gate("false rollback K=2", FAST), Gate("K=1", ONE_BLOCK))
IN_CLUSTERS = (
    Gate("e-gate phi=1", FAST),
    Gate("phi=5", CLUSTERS),
    Gate("phi=5 K=4", CAREFUL_CLUSTERS),
    Gate("bet-gate", AUTO, BETTING),
    Gate("auto", AUTO, SURVEYED),
)
OUT_OF_STEP = (
    Gate("5s K=2", FAST),
    Gate("5s K=4", CAREFUL),
    Gate("15s K=2", FAST, Lens(step=15.0)),
    Gate("15s K=3", ErrorRate(burst=1.0, min_blocks=3), Lens(step=15.0)),
    Gate("30s K=2", FAST, Lens(step=30.0)),
)
