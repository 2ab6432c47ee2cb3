"""All gates of one rollout together: one bound on false rollbacks for the whole family.

Each sequential gate has its part of `falseRollback`, alpha_g, and an e-process e_g with
E[e_g] <= 1 while the canary is not worse. So the sum of alpha_g e_g reaches 1 with probability at
most the sum of the alpha_g, whatever hangs together between gates, as long as what one gate has
closed tells nothing of another's open block (they close with the same scrapes): stronger than each
gate on its own, as gates that each have some evidence convict together. Gates that only warn or
pause keep their own bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from davylamp.gates.judge import judge, worse_reason
from davylamp.gates.messages import describe
from davylamp.gates.messages.numbers import percent
from davylamp.gates.rules import SequentialRule, Statistical
from davylamp.gates.samples import Channel, Scrapes
from davylamp.gates.states.history import GateState, advanced, answered, start
from davylamp.gates.states.query import QueryAnswers
from davylamp.gates.states.sequential import Closing
from davylamp.gates.trial import Trial
from davylamp.gates.verdicts import SOURCE_DOWN, Judgement, Pair, Verdict

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class JointRejection:
    """When the gates together had enough, and how much each had of what is needed."""

    at: float
    shares: tuple[tuple[str, float], ...]
    """By gate, the largest first; they add up to 1 or more."""
    seen: Pair = Pair()  # noqa: RUF009 - frozen
    """What the leading gate had seen by then."""

    @property
    def leading(self) -> str:
        """The gate with the most evidence."""
        return self.shares[0][0]


@dataclass(frozen=True)
class GateFamily:
    """What all gates of a rollout remember; a pure function of the history, like each of them."""

    states: Mapping[str, GateState] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    """alpha_g e_g of each gate that takes back."""
    seen: Mapping[str, Pair] = field(default_factory=dict)
    """What each of them had seen when its last block was closed."""
    worse: JointRejection | None = None


@dataclass(frozen=True)
class Around:
    """What is known at the moment of judging, besides the history; `now` in epoch seconds."""

    now: float
    ready_candidate_pods: frozenset[str]
    ready_stable_pods: frozenset[str]
    errors: Mapping[Channel, tuple[str, str]] = field(default_factory=dict)
    """Why a channel could not be read: reason and sentence."""
    query_errors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The same of own queries, by gate."""


def open_family(trials: Mapping[str, Trial]) -> GateFamily:
    """Begin all trials of a rollout."""
    return GateFamily({name: start(trial) for name, trial in trials.items()})


def take_in(
    trials: Mapping[str, Trial],
    family: GateFamily,
    scrapes: Mapping[Channel, Scrapes],
    answers: Mapping[str, QueryAnswers],
) -> GateFamily:
    """Take in what was read of each channel, and what the users' own queries gave.

    All have to be read up to the same watermark, so that closed blocks of different gates are seen
    in the order of time.
    """
    states, closed = dict(family.states), list[tuple[float, str, Closing]]()
    for name, trial in trials.items():
        if name in answers:
            states[name] = answered(trial, states[name], answers[name])
        elif trial.rule.channel in scrapes:
            seen = scrapes[trial.rule.channel]
            states[name], closings = advanced(trial, states[name], seen)
            closed += [(each.at, name, each) for each in closings]
    family = replace(family, states=states)
    return _weighed(trials, family, closed)


def judge_all(
    trials: Mapping[str, Trial], family: GateFamily, around: Around
) -> Mapping[str, Judgement]:
    """Let every gate answer; where they convict together, the leading one fails."""
    answers = {
        name: _judged(name, trial, family.states[name], around) for name, trial in trials.items()
    }
    found = family.worse
    if found and all(each.verdict is not Verdict.FAIL for each in answers.values()):
        answers[found.leading] = _convicted(trials, answers, found)
    return answers


def _judged(name: str, trial: Trial, state: GateState, around: Around) -> Judgement:
    channel = trial.rule.channel
    trouble = around.query_errors.get(name)
    if channel is not Channel.QUERY:
        trouble = around.errors.get(channel)
    reason, error = trouble or (SOURCE_DOWN, None)
    return judge(
        trial,
        state,
        now=around.now,
        ready_candidate_pods=around.ready_candidate_pods,
        ready_stable_pods=around.ready_stable_pods,
        source_error=error,
        source_reason=reason,
    )


def _weighed(
    trials: Mapping[str, Trial], family: GateFamily, closed: Iterable[tuple[float, str, Closing]]
) -> GateFamily:
    """Follow the sum of the evidence through the closed blocks, in order of time."""
    shares, totals, worse = dict(family.shares), dict(family.seen), family.worse
    for at, name, closing in sorted(closed, key=lambda each: (each[0], each[1])):
        rule = trials[name].rule
        if not trials[name].takes_back or not isinstance(rule, SequentialRule):
            continue
        shares[name] = rule.false_rollback * math.exp(min(700.0, closing.levels.rollback))
        totals[name] = closing.total
        if worse is None and math.fsum(shares.values()) >= 1 - _ROUNDING:
            ranked = tuple(sorted(shares.items(), key=lambda s: (-s[1], s[0])))
            worse = JointRejection(at, ranked, totals[ranked[0][0]])
    return replace(family, shares=shares, seen=totals, worse=worse)


def _convicted(
    trials: Mapping[str, Trial], answers: Mapping[str, Judgement], found: JointRejection
) -> Judgement:
    """The leading gate's answer where no gate fails on its own."""
    parts = ", ".join(f"{name} {percent(share)}" for name, share in found.shares if share >= 0.01)
    rule = trials[found.leading].rule
    assert isinstance(rule, Statistical)  # noqa: S101 - others have no share
    counts = describe.bad(rule, found.seen)
    return replace(
        answers[found.leading],
        verdict=Verdict.FAIL,
        reason=worse_reason(rule),
        message=f"the gates together have the evidence that one alone needs ({parts}); "
        f"gate {found.leading}: {describe.so_far(rule, found.seen)}",
        candidate=counts.candidate,
        stable=counts.stable,
        effect=describe.effect(rule, found.seen),
        requests_needed=None,
        decided_at=found.at,
    )
