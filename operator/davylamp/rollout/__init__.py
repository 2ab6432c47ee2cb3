"""What happens next: a pure decision over everything that was observed."""

from davylamp.rollout.decide import Decision, decide
from davylamp.rollout.desired import Desired
from davylamp.rollout.notices import Notice
from davylamp.rollout.observation import Inspected, Observation, Served
from davylamp.rollout.pods.state import ContainerState, PodFailure, PodState, Workload
from davylamp.rollout.revision import identify, intent_of, ref_of
from davylamp.rollout.routing import Route, Router

__all__ = [
    "ContainerState",
    "Decision",
    "Desired",
    "Inspected",
    "Notice",
    "Observation",
    "PodFailure",
    "PodState",
    "Route",
    "Router",
    "Served",
    "Workload",
    "decide",
    "identify",
    "intent_of",
    "ref_of",
]
