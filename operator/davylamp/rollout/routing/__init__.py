"""Who gets traffic: the protocol of routers, the routers, and which one a plan asks for."""

from davylamp.rollout.routing.protocol import Route, Router
from davylamp.rollout.routing.registry import ROUTERS, objects_of_every_router, router_of

__all__ = ["ROUTERS", "Route", "Router", "objects_of_every_router", "router_of"]
