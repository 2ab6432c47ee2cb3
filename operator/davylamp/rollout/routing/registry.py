"""Which router a plan asks for: the one place that reads `spec.rollout.traffic.router`."""

from collections.abc import Mapping
from typing import Final

from davylamp.api.spec import Rollout, RouterName
from davylamp.rollout.routing.protocol import Router
from davylamp.rollout.routing.service_pods import ServicePods

ROUTERS: Final[Mapping[RouterName, Router]] = {
    "Service": ServicePods(),
}
"""Every value of the API has its router; a test compares both."""


def router_of(plan: Rollout) -> Router:
    """The router that a plan asks for.

    A candidate's plan is pinned, and so is its router; without a candidate it is the spec's. Where
    the spec is invalid and no candidate pins one, the plan is made of defaults, and the default
    router points all traffic at stable.
    """
    return ROUTERS[plan.traffic.router]
