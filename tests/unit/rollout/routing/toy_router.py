"""Router `Weights`, for tests: exact shares, as a gateway has them; a ConfigMap lists them."""

from collections.abc import Sequence
from dataclasses import dataclass

from davylamp.api.identity import Owner, model_labels
from davylamp.api.spec import Step
from davylamp.rollout.routing.protocol import Route
from davylamp.schema.json import JsonObject


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares as exact as the weights are, whatever the number of pods."""

    def at_least(self, pods: int) -> "Weights":
        """Shares do not depend on pods."""
        return self

    @property
    def reaches_every_pod(self) -> bool:
        """Only revisions that are listed get traffic."""
        return False

    @property
    def share_depends_on_pods(self) -> bool:
        """The list is what counts."""
        return False

    def canary_pods(self, weight: int, replicas: int) -> int:
        """As many as carry the share at stable's load per pod."""
        return -(-weight * replicas // 100)

    def next_step(self, steps: Sequence[Step], done: int, replicas: int) -> int | None:
        """Every step can be had."""
        return done + 1 if done < len(steps) else None

    def lowest_weight(self, replicas: int) -> int:
        """One percent, the smallest weight there is."""
        return 1

    def share(self, weight: int, *, canary_pods: int, stable_pods: int) -> float:
        """The weight, once there is a pod."""
        return weight / 100 if canary_pods else 0.0

    def objects(self, owner: Owner, route: Route) -> tuple[JsonObject, ...]:
        """One ConfigMap with the weight of each revision."""
        weights: JsonObject = {route.stable: str(100 - route.weight)} if route.stable else {}
        if route.opened and route.candidate:
            weights[route.candidate] = str(route.weight)
        return (
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": owner.metadata(f"{owner.name}-weights", model_labels(owner)),
                "data": weights,
            },
        )

    def admits(self, stored: JsonObject, revision: str) -> bool:
        """Whether a revision is listed with a weight."""
        weights = stored.get("data")
        return isinstance(weights, dict) and str(weights.get(revision, "0")) != "0"
