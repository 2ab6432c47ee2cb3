"""Is the canary worse? Pure: from raw counter samples to a verdict with its reason.

A trial (rule, start, weight changes) and the samples of its pods are all there is: `start` a
state, `update` it with what was scraped, `judge` it at any moment, as often as wanted. The same
samples give the same state however they arrive, so a restart replays instead of remembering. A
`Panel` does the same for all gates of a rollout together.
"""

from davylamp.gates.family import Around, GateFamily, judge_all, open_family, take_in
from davylamp.gates.forecast.detection_time import requests_to_detect
from davylamp.gates.judge import judge
from davylamp.gates.rules import (
    ErrorRate,
    GroupGap,
    Latency,
    Query,
    Rule,
    ScoreDistance,
    ShareDistance,
    Threshold,
)
from davylamp.gates.samples import Arm, Channel, Sample, Scrapes
from davylamp.gates.states.history import GateState, start, update
from davylamp.gates.states.query import QueryAnswers
from davylamp.gates.trial import Trial, WeightChange
from davylamp.gates.verdicts import Count, Judgement, Pair, Verdict

__all__ = [
    "Arm",
    "Around",
    "Channel",
    "Count",
    "ErrorRate",
    "GateFamily",
    "GateState",
    "GroupGap",
    "Judgement",
    "Latency",
    "Pair",
    "Query",
    "QueryAnswers",
    "Rule",
    "Sample",
    "ScoreDistance",
    "Scrapes",
    "ShareDistance",
    "Threshold",
    "Trial",
    "Verdict",
    "WeightChange",
    "judge",
    "judge_all",
    "open_family",
    "requests_to_detect",
    "start",
    "take_in",
    "update",
]
