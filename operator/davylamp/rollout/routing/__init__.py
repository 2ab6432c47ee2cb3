"""Who gets traffic: the protocol of routers, the routers, and which one a plan asks for."""

from davylamp.rollout.routing.protocol import Route, Router
from davylamp.rollout.routing.registry import ROUTERS, router_of

__all__ = ["ROUTERS", "Route", "Router", "router_of"]
