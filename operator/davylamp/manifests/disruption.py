"""Disruption budgets: one for each revision that has pods; who gets traffic is a matter of routers.

A budget over all revisions would count the pods of a canary that is still loading as disrupted, and
no healthy pod of stable could be drained meanwhile.
"""

from typing import Final

from davylamp.api import names
from davylamp.api.identity import Owner, model_labels, selector
from davylamp.schema.json import JsonObject

KIND: Final = "PodDisruptionBudget"


def disruption_budget(owner: Owner, revision: str) -> JsonObject:
    """Drains take one ready pod of a revision at a time; pods that are not ready are in nobody's way."""
    labels = {**model_labels(owner), names.LABEL_REVISION: revision}
    return {
        "apiVersion": "policy/v1",
        "kind": KIND,
        "metadata": owner.metadata(owner.child(revision), labels),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": dict(selector(owner, revision))},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
