"""What the gates of a plan mean: from what users write to the trials that judge a canary. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, starmap
from typing import Final

from davylamp.api.gates import Gate, OnFail
from davylamp.api.spec import Rollout
from davylamp.api.status import Candidate
from davylamp.api.status_parts import FeatureShare, GateRate
from davylamp.gates import Rule, ShareChange, Trial
from davylamp.gates.kinds.base import WrongDecisions
from davylamp.schema.quantities import fraction

CANARY_PART: Final = 0.9
"""Part of `falseRollback` spent on the canary; the rest is left for the probation."""
UNKNOWN_SHARE: Final = 0.5
"""Share of the traffic where none was recorded, or there is no canary yet."""


def canary_trials(candidate: Candidate, scrape_interval: float) -> Mapping[str, Trial]:
    """The trials of a canary that has traffic, by gate."""
    began = candidate.canary_at or candidate.stage_at
    return trials_of(
        candidate.plan,
        started_at=began.timestamp(),
        weights=_weights(candidate, began),
        scrape_interval=scrape_interval,
        training=candidate.baseline,
    )


def survey_trials(candidate: Candidate, scrape_interval: float) -> Mapping[str, Trial]:
    """Trials that do not judge yet: what the gates will read of stable is looked at."""
    return trials_of(
        candidate.plan,
        started_at=math.inf,
        weights=(ShareChange(math.inf, UNKNOWN_SHARE),),
        scrape_interval=scrape_interval,
        training=candidate.baseline,
    )


def trials_of(
    plan: Rollout,
    *,
    started_at: float,
    weights: Iterable[ShareChange],
    scrape_interval: float,
    training: Iterable[FeatureShare] = (),
) -> Mapping[str, Trial]:
    """The trials of a canary under a plan, by gate.

    Args:
        plan: the gates, and bounds for all of them.
        started_at: the canary's first traffic, in epoch seconds.
        weights: the canary's shares of the traffic, oldest first.
        scrape_interval: seconds.
        training: explanation shares of the training run, as far as they are known.

    Raises:
        ValueError: the settings of a gate are no rule.
    """
    shares = {share.feature: float(share.share) for share in training}
    changes = tuple(weights)
    return {
        gate.name: Trial(
            rule=rule_of(gate, wrong_decisions(gate, plan), shares),
            started_at=started_at,
            weights=changes,
            scrape_interval=scrape_interval,
            rolls_back=_rolls_back(gate),
        )
        for gate in plan.gates
    }


def probation_trials(
    rollout: Rollout, promoted_at: float, before: Iterable[GateRate], scrape_interval: float
) -> Mapping[str, Trial]:
    """The trials of a promoted revision: only what needs nothing to compare with.

    `promoted_at` is in epoch seconds. It is not asked to be better than the one before was beside
    it, whose rates are `before`.
    """
    at, rates = promoted_at, {entry.name: float(entry.rate) for entry in before}
    trials: dict[str, Trial] = {}
    for gate in rollout.gates:
        wrong = wrong_decisions(gate, rollout, part=1 - CANARY_PART)
        rule = rule_of(gate, wrong).alone()
        if rule is not None and _rolls_back(gate):
            rule = rule.no_better_than(rates.get(gate.name, 0.0))
            trials[gate.name] = Trial(rule, at, (ShareChange(at, 1.0),), scrape_interval)
    return trials


def rule_of(gate: Gate, wrong: WrongDecisions, training: Mapping[str, float] | None = None) -> Rule:
    """The rule of one gate; `training` are the explanation shares of training, where known."""
    return gate.kind.rule(gate.settings, wrong, training or {})


def wrong_decisions(gate: Gate, rollout: Rollout, part: float = CANARY_PART) -> WrongDecisions:
    """The bounds of one gate.

    The gates that roll back and have a bound at all share one `falseRollback` with the probation.
    One that pauses or warns has it to itself: it can roll nothing back.
    """
    sharing = sum(other.is_bounded and _rolls_back(other) for other in rollout.gates)
    among = max(1, sharing) if _rolls_back(gate) else 1
    return WrongDecisions(
        fraction(rollout.false_rollback) * part / among, fraction(rollout.false_promotion)
    )


def _rolls_back(gate: Gate) -> bool:
    return gate.action is OnFail.ROLLBACK


def _weights(candidate: Candidate, began: datetime) -> Sequence[ShareChange]:
    """The recorded shares; a leader's clock that was behind the one before makes no disorder."""
    times = accumulate((change.at.timestamp() for change in candidate.weights), max)
    shares = (float(change.share) for change in candidate.weights)
    changes = tuple(starmap(ShareChange, zip(times, shares, strict=True)))
    return changes or (ShareChange(began.timestamp(), UNKNOWN_SHARE),)
