"""Why a gate cannot say anything: the taxonomy of missing data.

None of these is evidence. They stop a promotion and never cause a rollback.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.gates import verdicts
from davylamp.gates.blocks import LOST_AFTER
from davylamp.gates.rules import Query, Threshold
from davylamp.gates.samples import Arm, Channel
from davylamp.gates.states.history import GateState
from davylamp.gates.states.query import QueryState
from davylamp.gates.timeline import PodKey
from davylamp.gates.trial import Trial

GRACE: Final = 5.0
"""Seconds that discovery of a new pod by the source may take on top of its scrapes."""

QUIET_AFTER: Final = 30.0
"""Seconds without one canary request after which there is no traffic to judge."""


_COUNTED: Final = {
    Channel.SCORES: "prediction",
    Channel.SHARES: "explanation",
    Channel.GROUPS: "row with a group",
}


@dataclass(frozen=True)
class Surroundings:
    """What the caller knows at the moment of judging, besides the samples.

    `now` in epoch seconds. `source_error` says why the source could not be asked, if so, and
    `source_reason` whether it did not answer or answered nonsense.
    """

    now: float
    ready_candidate_pods: frozenset[str]
    ready_stable_pods: frozenset[str]
    source_error: str | None
    source_reason: str = verdicts.SOURCE_DOWN


@dataclass(frozen=True, slots=True)
class Gap:
    """A reason for not knowing, and its sentence."""

    reason: str
    message: str


def gap(trial: Trial, state: GateState, around: Surroundings) -> Gap | None:
    """Find what is missing, the most fundamental thing first; None if nothing is."""
    if isinstance(trial.rule, Query):
        return _source_down(around) or _no_value(trial, trial.rule, state, around)
    return (
        _source_down(around)
        or _no_series(trial, state, around)
        or _stale(trial, state, around)
        or _no_traffic(trial, state, around)
    )


def _source_down(around: Surroundings) -> Gap | None:
    if around.source_error is None:
        return None
    if around.source_reason == verdicts.BAD_ANSWER:
        return Gap(verdicts.BAD_ANSWER, f"the metrics source answered badly: {around.source_error}")
    return Gap(verdicts.SOURCE_DOWN, f"the metrics source did not answer: {around.source_error}")


def _no_value(trial: Trial, rule: Query, state: GateState, around: Surroundings) -> Gap | None:
    """Find out whether the user's query has stopped answering, or never did."""
    book = state.book
    value = book.last if isinstance(book, QueryState) else None
    seen = max(value.at if value else -math.inf, trial.started_at + rule.warm_up)
    silent = around.now - seen
    if silent <= LOST_AFTER * rule.interval + GRACE:
        return None
    what = "value" if rule.ratio is None else "value of both revisions"
    return Gap(verdicts.NO_SERIES, f"the query has had no {what} for {silent:.0f} s")


def _no_series(trial: Trial, state: GateState, around: Surroundings) -> Gap | None:
    """Find ready pods that the source has never seen, once it has had the time to."""
    changes = (change.at for change in trial.weights if change.at <= around.now)
    since = max(trial.started_at, max(changes, default=-math.inf))
    if around.now - since <= LOST_AFTER * trial.scrape_interval + GRACE:
        return None
    for arm, ready in _compared(trial, around).items():
        unseen = sorted(pod for pod in ready if _last_seen(state, arm, pod) is None)
        if unseen and (arm is Arm.CANDIDATE or len(unseen) == len(ready)):
            text = f"no samples of {_some(arm, unseen)} after {around.now - since:.0f} s"
            return Gap(verdicts.NO_SERIES, text)
    return None


def _stale(trial: Trial, state: GateState, around: Surroundings) -> Gap | None:
    """Find ready pods that the source has stopped seeing.

    One canary pod is enough. Of stable, all: the rest of it still is something to compare with.
    """
    for arm, ready in _compared(trial, around).items():
        seen = {pod: _last_seen(state, arm, pod) for pod in ready}
        ages = {pod: around.now - at for pod, at in seen.items() if at is not None}
        old = sorted(p for p, age in ages.items() if age > LOST_AFTER * trial.scrape_interval)
        if old and (arm is Arm.CANDIDATE or len(old) == len(ages)):
            oldest = max(ages[pod] for pod in old)
            text = f"the last sample of {_some(arm, old)} is {oldest:.0f} s old"
            return Gap(verdicts.STALE_SCRAPE, text)
    return None


def _no_traffic(trial: Trial, state: GateState, around: Surroundings) -> Gap | None:
    quiet = around.now - max(state.last_request_at, trial.started_at)
    if quiet <= max(QUIET_AFTER, 2 * LOST_AFTER * trial.scrape_interval):
        return None
    what = _COUNTED.get(trial.rule.channel, "request")
    return Gap(verdicts.NO_TRAFFIC, f"the canary has had no {what} for {quiet:.0f} s")


def _compared(trial: Trial, around: Surroundings) -> Mapping[Arm, frozenset[str]]:
    """Pods whose samples the rule needs."""
    stable = frozenset() if isinstance(trial.rule, Threshold) else around.ready_stable_pods
    return {Arm.CANDIDATE: around.ready_candidate_pods, Arm.STABLE: stable}


def _last_seen(state: GateState, arm: Arm, pod: str) -> float | None:
    sample = state.last.get(PodKey(arm.value, pod))
    return None if sample is None else sample.time


def _some(arm: Arm, pods: list[str]) -> str:
    side = "canary" if arm is Arm.CANDIDATE else "stable"
    if len(pods) == 1:
        return f"{side} pod {pods[0]}"
    return f"{len(pods)} {side} pods ({pods[0]}, ...)"
