"""Services and the disruption budget: who gets traffic, written as selectors.

During a canary the main Service selects every pod of the model, so the share is the share of
pods; at all other times it names one revision. Taking a revision out of traffic is therefore one
small write that waits for nothing (P1).
"""

from typing import Final

from davylamp.api import names
from davylamp.api.identity import Owner, model_labels, selector
from davylamp.manifests.pods import PORT_NAME
from davylamp.rollout.desired import Route
from davylamp.schema.json import JsonObject

SERVICE_PORT: Final = 80


def services(owner: Owner, route: Route) -> tuple[JsonObject, ...]:
    """The three Services: all traffic first, then the one of stable and the one of the canary."""
    stable = route.stable or names.NO_REVISION
    everyone = selector(owner) if route.opened else selector(owner, stable)
    return (
        _service(owner, owner.name, everyone),
        _service(owner, f"{owner.name}-stable", selector(owner, stable)),
        _service(owner, f"{owner.name}-canary", selector(owner, route.candidate or stable)),
    )


def admits(service: JsonObject, revision: str) -> bool:
    """Whether a stored Service sends traffic to pods of a revision."""
    spec = service.get("spec")
    chosen = spec.get("selector") if isinstance(spec, dict) else None
    if not isinstance(chosen, dict):
        return False
    return chosen.get(names.LABEL_REVISION, revision) == revision


def disruption_budget(owner: Owner) -> JsonObject:
    """Drains take one pod of the model at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": owner.metadata(owner.name, model_labels(owner)),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": dict(selector(owner))},
        },
    }


def _service(owner: Owner, name: str, chosen: dict[str, str]) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owner.metadata(name, model_labels(owner)),
        "spec": {
            "type": "ClusterIP",
            "selector": dict(chosen),
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
