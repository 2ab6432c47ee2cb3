"""What happens next: a pure decision over everything that was observed."""

from davylamp.rollout.decide import Decision, decide
from davylamp.rollout.desired import Desired, Route
from davylamp.rollout.notices import Notice
from davylamp.rollout.observation import Inspected, Observation, PodSeen, Workload
from davylamp.rollout.revision import identify, intent_of

__all__ = [
    "Decision",
    "Desired",
    "Inspected",
    "Notice",
    "Observation",
    "PodSeen",
    "Route",
    "Workload",
    "decide",
    "identify",
    "intent_of",
]
