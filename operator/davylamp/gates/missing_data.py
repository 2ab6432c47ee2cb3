"""Why a gate cannot say anything: the taxonomy of missing data.

None of these is evidence. They stop a promotion and never cause a rollback.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from davylamp.gates import verdicts
from davylamp.gates.context import JudgementContext, MissingData
from davylamp.gates.samples import Arm, PodKey
from davylamp.gates.states.blocks import LOST_AFTER
from davylamp.gates.states.gate_state import GateState
from davylamp.gates.trial import Trial

GRACE: Final = 5.0
"""Seconds that discovery of a new pod by the source may take on top of its scrapes."""

QUIET_AFTER: Final = 30.0
"""Seconds without one canary request after which there is no traffic to judge."""


def unread(reason: str, error: str) -> MissingData:
    """What is missing where the source could not be read, and why."""
    if reason == verdicts.BAD_ANSWER:
        return MissingData(reason, f"the metrics source answered badly: {error}")
    return MissingData(reason, f"the metrics source did not answer: {error}")


def of_samples(
    trial: Trial, state: GateState, context: JudgementContext, *, against_stable: bool = True
) -> MissingData | None:
    """Find what is missing of counters; stable's are needed only where they are compared with."""
    return (
        _no_series(trial, state, context, against_stable=against_stable)
        or _stale(trial, state, context, against_stable=against_stable)
        or _no_traffic(trial, state, context)
    )


def of_values(last: float, interval: float, now: float, *, what: str) -> MissingData | None:
    """Find out whether a user query has stopped answering, or never did.

    Args:
        last: when it last gave `what`, or was first due; epoch seconds.
        interval: seconds between two values.
        now: epoch seconds.
        what: what it is to give.
    """
    silent = now - last
    if silent <= LOST_AFTER * interval + GRACE:
        return None
    return MissingData(verdicts.NO_SERIES, f"the query has had no {what} for {silent:.0f} s")


def _no_series(
    trial: Trial, state: GateState, context: JudgementContext, *, against_stable: bool
) -> MissingData | None:
    """Find ready pods that the source has never seen, once it has had the time to."""
    changes = (change.at for change in trial.weights if change.at <= context.now)
    since = max(trial.started_at, max(changes, default=-math.inf))
    if context.now - since <= LOST_AFTER * trial.scrape_interval + GRACE:
        return None
    for arm, ready in _compared(context, against_stable=against_stable).items():
        unknown = sorted(pod for pod in ready if _last_scraped(state, arm, pod) is None)
        if unknown and (arm is Arm.CANDIDATE or len(unknown) == len(ready)):
            text = f"no samples of {_some(arm, unknown)} after {context.now - since:.0f} s"
            return MissingData(verdicts.NO_SERIES, text)
    return None


def _stale(
    trial: Trial, state: GateState, context: JudgementContext, *, against_stable: bool
) -> MissingData | None:
    """Find ready pods that the source has stopped seeing.

    One canary pod is enough. Of stable, all: the rest of it still is something to compare with.
    """
    for arm, ready in _compared(context, against_stable=against_stable).items():
        times = {pod: _last_scraped(state, arm, pod) for pod in ready}
        ages = {pod: context.now - at for pod, at in times.items() if at is not None}
        old = sorted(p for p, age in ages.items() if age > LOST_AFTER * trial.scrape_interval)
        if old and (arm is Arm.CANDIDATE or len(old) == len(ages)):
            oldest = max(ages[pod] for pod in old)
            text = f"the last sample of {_some(arm, old)} is {oldest:.0f} s old"
            return MissingData(verdicts.STALE_SCRAPE, text)
    return None


def _no_traffic(trial: Trial, state: GateState, context: JudgementContext) -> MissingData | None:
    quiet = context.now - max(state.last_request_at, trial.started_at)
    if quiet <= max(QUIET_AFTER, 2 * LOST_AFTER * trial.scrape_interval):
        return None
    what = trial.rule.channel.counted if trial.rule.channel else "request"
    return MissingData(verdicts.NO_TRAFFIC, f"the canary has had no {what} for {quiet:.0f} s")


def _compared(context: JudgementContext, *, against_stable: bool) -> Mapping[Arm, frozenset[str]]:
    """Pods whose samples are needed."""
    stable = context.stable_pods if against_stable else frozenset()
    return {Arm.CANDIDATE: context.candidate_pods, Arm.STABLE: stable}


def _last_scraped(state: GateState, arm: Arm, pod: str) -> float | None:
    sample = state.last.get(PodKey(arm.value, pod))
    return None if sample is None else sample.time


def _some(arm: Arm, pods: list[str]) -> str:
    side = "canary" if arm is Arm.CANDIDATE else "stable"
    if len(pods) == 1:
        return f"{side} pod {pods[0]}"
    return f"{len(pods)} {side} pods ({pods[0]}, ...)"
