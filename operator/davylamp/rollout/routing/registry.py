"""Which router a plan asks for: the one place that reads `spec.rollout.traffic.router`."""

from collections.abc import Iterator, Mapping
from typing import Final

from davylamp.api.identity import Owner
from davylamp.api.spec import Rollout, RouterName
from davylamp.rollout.routing.protocol import Route, Router
from davylamp.rollout.routing.service_pods import ServicePods
from davylamp.schema.json import JsonObject

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
    return ROUTERS[plan.traffic.router].at_least(plan.min_deployment_replicas)


def objects_of_every_router(owner: Owner, route: Route) -> Iterator[tuple[Router, JsonObject]]:
    """What a fence looks at: the objects of all routers, whichever the plan asks for.

    Those that are not stored let nobody in and need no write.
    """
    for router in ROUTERS.values():
        for manifest in router.objects(owner, route):
            yield router, manifest
