"""The disruption budget of a model; who gets traffic is a matter of routers."""

from davylamp.api.identity import Owner, model_labels, selector
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
