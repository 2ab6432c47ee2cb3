"""Is the canary worse? Pure: from raw counter samples to a verdict with its reason.

A trial (rule, start, weight changes) and the samples of its pods are all there is: `start` a
state, `update` it with what was scraped, `judge` it at any moment, as often as wanted. The same
samples give the same state however they arrive, so a restart replays instead of remembering.
"""

from davylamp.gates.history import GateState, start, update
from davylamp.gates.judge import judge
from davylamp.gates.planning import requests_to_detect
from davylamp.gates.rules import Rule, Sequential, Threshold, Trial, WeightChange
from davylamp.gates.samples import Arm, Sample, Scrapes
from davylamp.gates.verdicts import Count, Judgement, Verdict

__all__ = [
    "Arm",
    "Count",
    "GateState",
    "Judgement",
    "Rule",
    "Sample",
    "Scrapes",
    "Sequential",
    "Threshold",
    "Trial",
    "Verdict",
    "WeightChange",
    "judge",
    "requests_to_detect",
    "start",
    "update",
]
