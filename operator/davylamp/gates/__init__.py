"""Is the canary worse? Pure: from raw counter samples to a verdict with its reason.

A trial (rule, start, weight changes) and the samples of its pods are all there is. `open_family`
gives a state for all gates of a rollout, `take_in` folds into it what was read, `judge_all` answers
at any moment, as often as wanted. The same samples give the same state however they arrive, so a
restart replays instead of remembering. What is judged, and how, each kind says in `kinds`.
"""

from davylamp.gates.channels import Channel
from davylamp.gates.context import JudgementContext, MissingData
from davylamp.gates.counts import Count, Pair
from davylamp.gates.family import GateFamily, judge_all, open_family, take_in
from davylamp.gates.judge import judge
from davylamp.gates.kinds.bias import GROUPS, GroupRateGap
from davylamp.gates.kinds.error_rate import ErrorRate
from davylamp.gates.kinds.explanations import SHARES, ShareDistance
from davylamp.gates.kinds.latency import LATENCY, Latency
from davylamp.gates.kinds.predictions import SCORES, ScoreDistance
from davylamp.gates.kinds.query import Query
from davylamp.gates.kinds.threshold import ERRORS, Threshold
from davylamp.gates.samples import Arm, Sample, Scrapes
from davylamp.gates.states.gate_state import GateState
from davylamp.gates.states.history import start
from davylamp.gates.trial import Rule, ShareChange, Trial
from davylamp.gates.values import QueryAnswers, UserQuery
from davylamp.gates.verdicts import Judgement, Verdict

__all__ = [
    "ERRORS",
    "GROUPS",
    "LATENCY",
    "SCORES",
    "SHARES",
    "Arm",
    "Channel",
    "Count",
    "ErrorRate",
    "GateFamily",
    "GateState",
    "GroupRateGap",
    "Judgement",
    "JudgementContext",
    "Latency",
    "MissingData",
    "Pair",
    "Query",
    "QueryAnswers",
    "Rule",
    "Sample",
    "ScoreDistance",
    "Scrapes",
    "ShareChange",
    "ShareDistance",
    "Threshold",
    "Trial",
    "UserQuery",
    "Verdict",
    "judge",
    "judge_all",
    "open_family",
    "start",
    "take_in",
]
