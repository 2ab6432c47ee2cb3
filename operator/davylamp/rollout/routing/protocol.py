"""What a router is: it says which share of the traffic is possible, and writes it into objects.

A router has no memory and reads no cluster. A rollout asks it three kinds of questions:

- shares: how many canary pods a weight takes, which step comes next, which share results;
- conditions: whether other pods than those of the route can get its traffic, and whether the share
  changes when stable loses pods (`holds.shares` makes reasons to wait of the answers);
- objects: which Kubernetes objects put a route into effect, and whom a stored one lets in. Taking a
  revision out of traffic (the fence) is writing those objects for a route that does not admit it.
  A fence asks all routers (`registry.objects_of_every_router`): an attempt may have begun behind
  another one than the spec names now.

To add a router: one module here, one line in `registry.ROUTERS`, one value in `api.spec.RouterName`,
and `make crds`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from davylamp.api.identity import Owner
from davylamp.api.spec import Step
from davylamp.schema.json import JsonObject

Stored: TypeAlias = Callable[[str, str], JsonObject | None]
"""The object of a kind and name, None where there is none."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who gets traffic: `stable` alone, or once `opened` the candidate too.

    `weight` is the largest share in percent that the candidate may get, 0 while it is not opened.
    While a candidate is being promoted it is that of the last step; a router that can do no better
    than count pods may exceed it then.
    """

    stable: str | None
    candidate: str | None = None
    opened: bool = False
    weight: int = 0

    def admits(self, revision: str) -> bool:
        """Whether pods of a revision may get user traffic under this route."""
        return revision == self.stable or (self.opened and revision == self.candidate)


class Router(Protocol):
    """Puts routes into effect. Weights are whole percent, shares lie in [0, 1]."""

    def at_least(self, pods: int) -> "Router":
        """The same router where a canary may have no fewer pods than that."""

    @property
    def reaches_every_pod(self) -> bool:
        """Whether an opened route sends traffic to every pod of the model.

        Then pods of a third revision, still terminating, have to be gone before a route opens.
        """

    @property
    def share_depends_on_pods(self) -> bool:
        """Whether the canary's share rises when stable loses ready pods."""

    def canary_pods(self, weight: int, replicas: int) -> int:
        """The most canary pods for a weight beside `replicas` stable pods; 0 if it takes more."""

    def next_step(self, steps: Sequence[Step], done: int, replicas: int) -> int | None:
        """Number (from 1) of the next step after `done` that changes the share, None after the last."""

    def lowest_weight(self, replicas: int) -> int:
        """The smallest weight in percent that can be had beside `replicas` stable pods."""

    def share(self, weight: int, *, canary_pods: int, stable_pods: int) -> float:
        """The canary's share of new connections with so many ready pods."""

    def objects(self, owner: Owner, route: Route) -> tuple[JsonObject, ...]:
        """The Kubernetes objects that put a route into effect, in the order of writing."""

    def stable_of(self, owner: Owner, stored: Stored) -> str | None:
        """The revision that stored objects of this router treat as stable, None if they do not say."""

    def serves_others(self, stored: JsonObject) -> bool:
        """Whether a stored object sends its traffic to something that is no pod of a model of ours."""

    def admits(self, stored: JsonObject, revision: str) -> bool:
        """Whether a stored object of this router lets traffic through to pods of a revision."""


def planned_share(router: Router, weight: int, replicas: int) -> float:
    """The canary's share at a weight once all its pods and all `replicas` stable pods are ready."""
    pods = router.canary_pods(weight, replicas)
    return router.share(weight, canary_pods=pods, stable_pods=replicas)
