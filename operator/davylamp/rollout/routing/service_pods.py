"""Replica arithmetic of a canary behind one Service: a share is a number of ready pods.

Canary pods come on top of stable's (surge), so stable never loses capacity. With s stable and c
canary pods the canary's share is c / (s + c); the share never exceeds the step's weight (P11).

    s = 4, weight 25 %: c <= 4 * 25 / 75 = 1.33, so 1 canary pod, 20 %
    s = 4, weight  5 %: c <= 0.21, so no whole pod: the step is passed over
    s = 1, weight 50 %: c <= 1, so 1 canary pod, 50 %
"""

from davylamp.api.spec import Step


def canary_replicas(weight: int, stable_replicas: int) -> int:
    """The most canary pods whose share stays within `weight` percent; 0 if not even one does."""
    return weight * stable_replicas // (100 - weight)


def share(canary_pods: int, stable_pods: int) -> float:
    """The canary's share of new connections in [0, 1]; 0 when there is no pod at all."""
    total = canary_pods + stable_pods
    return canary_pods / total if total else 0.0


def next_step(steps: tuple[Step, ...], done: int, stable_replicas: int) -> int | None:
    """Number (from 1) of the next step after `done` that at least one canary pod can reach.

    A step is also passed over when it would add no canary pod to the step before it.
    """
    before = canary_replicas(steps[done - 1].weight, stable_replicas) if done else 0
    for number in range(done + 1, len(steps) + 1):
        if canary_replicas(steps[number - 1].weight, stable_replicas) > before:
            return number
    return None


def lowest_weight(stable_replicas: int) -> int:
    """The smallest weight in percent that a single canary pod fits, for error messages."""
    return -(-100 // (stable_replicas + 1))
