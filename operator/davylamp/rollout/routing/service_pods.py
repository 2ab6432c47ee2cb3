"""Router `Service`: one Service in front of all pods, so a share is a number of ready pods.

Canary pods come on top of stable's (surge), so stable never loses capacity. With s stable and c
canary pods the canary's share is c / (s + c); the share never exceeds the step's weight (P11).

    s = 4, weight 25 %: c <= 4 * 25 / 75 = 1.33, so 1 canary pod, 20 %
    s = 4, weight  5 %: c <= 0.21, so no whole pod: the step is passed over
    s = 1, weight 50 %: c <= 1, so 1 canary pod, 50 %

During a canary the main Service selects every pod of the model; at all other times it names one
revision. Taking a revision out of traffic is therefore one small write that waits for nothing (P1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from davylamp.api import names
from davylamp.api.identity import PORT_NAME, Owner, model_labels, selector
from davylamp.api.spec import Step
from davylamp.rollout.routing.protocol import Route, Stored
from davylamp.schema.json import JsonObject, section

SERVICE_PORT: Final = 80


@dataclass(frozen=True, slots=True)
class ServicePods:
    """Shares by whole pods behind one Service; needs nothing that is not in every cluster."""

    fewest: int = 1
    """Pods that a canary has at least."""

    def at_least(self, pods: int) -> "ServicePods":
        """Shares that fewer pods would make are not possible then."""
        return self if pods <= self.fewest else ServicePods(pods)

    @property
    def reaches_every_pod(self) -> bool:
        """The opened Service selects by model, whatever the revision."""
        return True

    @property
    def share_depends_on_pods(self) -> bool:
        """Fewer stable pods mean a larger share for the canary's."""
        return True

    def canary_pods(self, weight: int, replicas: int) -> int:
        """The most canary pods whose share stays within the weight; 0 if not even the fewest do."""
        pods = weight * replicas // (100 - weight)
        return pods if pods >= self.fewest else 0

    def next_step(self, steps: Sequence[Step], done: int, replicas: int) -> int | None:
        """The next step that at least one canary pod can reach.

        A step is also passed over when it would add no canary pod to the step before it.
        """
        before = self.canary_pods(steps[done - 1].weight, replicas) if done else 0
        for number in range(done + 1, len(steps) + 1):
            if self.canary_pods(steps[number - 1].weight, replicas) > before:
                return number
        return None

    def lowest_weight(self, replicas: int) -> int:
        """The smallest weight that the fewest canary pods fit."""
        return -(-100 * self.fewest // (replicas + self.fewest))

    def share(self, weight: int, *, canary_pods: int, stable_pods: int) -> float:  # noqa: ARG002
        """The canary's part of all ready pods, whatever the weight; 0 when there is no pod."""
        total = canary_pods + stable_pods
        return canary_pods / total if total else 0.0

    def objects(self, owner: Owner, route: Route) -> tuple[JsonObject, ...]:
        """Three Services: all traffic first, then stable's own and the canary's own."""
        stable = route.stable or names.NO_REVISION
        everyone = selector(owner) if route.opened else selector(owner, stable)
        return (
            _service(owner, owner.name, everyone),
            _service(owner, f"{owner.name}-stable", selector(owner, stable)),
            _service(owner, f"{owner.name}-canary", selector(owner, route.candidate or stable)),
        )

    def stable_of(self, owner: Owner, stored: Stored) -> str | None:
        """What the main Service names; stable's own Service where it selects every pod."""
        main = _selected(owner, stored("Service", owner.name))
        if main is None:
            return None
        own = _selected(owner, stored("Service", f"{owner.name}-stable")) or {}
        revision = main.get(names.LABEL_REVISION) or own.get(names.LABEL_REVISION)
        return None if revision == names.NO_REVISION else revision

    def serves_others(self, stored: JsonObject) -> bool:
        """Whether a Service selects by none of our labels, as one that was just handed over."""
        return names.LABEL_MODEL not in section(stored, "spec", "selector")

    def admits(self, stored: JsonObject, revision: str) -> bool:
        """Whether a stored Service sends traffic to pods of a revision."""
        spec = stored.get("spec")
        pods = spec.get("selector") if isinstance(spec, dict) else None
        if not isinstance(pods, dict):
            return False
        return pods.get(names.LABEL_REVISION, revision) == revision


def _selected(owner: Owner, service: JsonObject | None) -> dict[str, str] | None:
    """The selector of a Service that selects pods of this model."""
    chosen = section(service, "spec", "selector")
    if chosen.get(names.LABEL_MODEL) != owner.name:
        return None
    return {key: value for key, value in chosen.items() if isinstance(value, str)}


def _service(owner: Owner, name: str, pods: dict[str, str]) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owner.metadata(name, model_labels(owner)),
        "spec": {
            "type": "ClusterIP",
            "selector": dict(pods),
            "ports": [
                {
                    "name": PORT_NAME,
                    "port": SERVICE_PORT,
                    "targetPort": PORT_NAME,
                    "protocol": "TCP",
                }
            ],
        },
    }
