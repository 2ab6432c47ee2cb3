"""The disruption budget of a model, and the Services of today's only router under their old names."""

from davylamp.api.identity import Owner, model_labels, selector
from davylamp.rollout.routing.protocol import Route
from davylamp.rollout.routing.service_pods import ServicePods
from davylamp.schema.json import JsonObject


def disruption_budget(owner: Owner) -> JsonObject:
    """Drains take one pod of the model at a time, of whatever revision: no matter of routes."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": owner.metadata(owner.name, model_labels(owner)),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": dict(selector(owner))},
        },
    }


def services(owner: Owner, route: Route) -> tuple[JsonObject, ...]:
    """Use `router.objects` instead."""
    return ServicePods().objects(owner, route)


def admits(service: JsonObject, revision: str) -> bool:
    """Use `router.admits` instead."""
    return ServicePods().admits(service, revision)
