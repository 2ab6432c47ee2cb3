"""All gates of one rollout together: one bound on false rollbacks for the whole family.

Each sequential gate has its part of `falseRollback`, alpha_g, and an e-process e_g with
E[e_g] <= 1 while the canary is not worse. So the sum of alpha_g e_g reaches 1 with probability at
most the sum of the alpha_g, however correlated the gates are, as long as what one gate has
closed tells nothing of another's open block (they close with the same scrapes): stronger than each
gate on its own, as weak evidence from several gates adds up. Gates that only warn or pause keep
their own bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from davylamp.gates.channels import Channel
from davylamp.gates.context import JudgementContext
from davylamp.gates.counts import Pair
from davylamp.gates.judge import judge
from davylamp.gates.messages.numbers import percent
from davylamp.gates.samples import Scrapes
from davylamp.gates.states.gate_state import Closing, GateState
from davylamp.gates.states.history import advanced, answered, start
from davylamp.gates.trial import Trial
from davylamp.gates.values import QueryAnswers
from davylamp.gates.verdicts import Judgement, Verdict

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class JointRejection:
    """When the gates together had enough, and how much each had of what is needed."""

    at: float
    shares: tuple[tuple[str, float], ...]
    """By gate, the largest first; they add up to 1 or more."""
    total: Pair = Pair()  # noqa: RUF009 - frozen
    """What the leading gate had counted by then."""

    @property
    def leading(self) -> str:
        """The gate with the most evidence."""
        return self.shares[0][0]


@dataclass(frozen=True)
class GateFamily:
    """What all gates of a rollout remember: a pure function of the history."""

    states: Mapping[str, GateState] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    """alpha_g e_g of each gate that rolls back."""
    totals: Mapping[str, Pair] = field(default_factory=dict)
    """What each of them had counted when its last block was closed."""
    worse: JointRejection | None = None


def open_family(trials: Mapping[str, Trial]) -> GateFamily:
    """Begin all trials of a rollout."""
    return GateFamily({name: start(trial) for name, trial in trials.items()})


def take_in(
    trials: Mapping[str, Trial],
    family: GateFamily,
    scrapes: Mapping[Channel, Scrapes],
    answers: Mapping[str, QueryAnswers],
) -> GateFamily:
    """Take in what was read of each channel, and what user queries gave.

    All have to be read up to the same watermark, so that closed blocks of different gates are
    weighed in the order of time.
    """
    states, closed = dict(family.states), list[tuple[float, str, Closing]]()
    for name, trial in trials.items():
        channel = trial.rule.channel
        if name in answers:
            states[name] = answered(trial, states[name], answers[name])
        elif channel is not None and channel in scrapes:
            states[name], closings = advanced(trial, states[name], scrapes[channel])
            closed += [(closing.at, name, closing) for closing in closings]
    return _weighed(trials, replace(family, states=states), closed)


def judge_all(
    trials: Mapping[str, Trial], family: GateFamily, context: JudgementContext
) -> Mapping[str, Judgement]:
    """Let every gate answer; where they reject jointly, the leading one fails."""
    answers = {
        name: judge(trial, family.states[name], context, unread=context.unread.get(name))
        for name, trial in trials.items()
    }
    worse = family.worse
    if worse and all(answer.verdict is not Verdict.FAIL for answer in answers.values()):
        answers[worse.leading] = _rejected(trials, answers, worse)
    return answers


def _weighed(
    trials: Mapping[str, Trial], family: GateFamily, closed: Iterable[tuple[float, str, Closing]]
) -> GateFamily:
    """Follow the sum of the evidence through the closed blocks, in order of time."""
    shares, totals, worse = dict(family.shares), dict(family.totals), family.worse
    for at, name, closing in sorted(closed, key=lambda entry: entry[:2]):
        bounds = trials[name].rule.evidence_bounds
        if not trials[name].rolls_back or bounds is None:
            continue
        shares[name] = bounds.false_rollback * math.exp(min(700.0, closing.levels.rollback))
        totals[name] = closing.total
        if worse is None and math.fsum(shares.values()) >= 1 - _ROUNDING:
            ranked = tuple(sorted(shares.items(), key=lambda s: (-s[1], s[0])))
            worse = JointRejection(at, ranked, totals[ranked[0][0]])
    return replace(family, shares=shares, totals=totals, worse=worse)


def _rejected(
    trials: Mapping[str, Trial], answers: Mapping[str, Judgement], worse: JointRejection
) -> Judgement:
    """The leading gate's answer where no gate fails on its own."""
    parts = ", ".join(f"{name} {percent(share)}" for name, share in worse.shares if share >= 0.01)
    answer = trials[worse.leading].rule.rejected(answers[worse.leading], worse.total, worse.at)
    return replace(
        answer,
        message=f"the gates together have the evidence that one alone needs ({parts}); "
        f"gate {worse.leading}: {answer.message}",
    )
