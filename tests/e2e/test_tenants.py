"""Two tenants of one operator: what one of them does is no business of the other's."""

from dataclasses import replace

import pytest
from tests.support.hostiletenant import HARMS, attack
from tests.support.incident import rolled_back
from tests.support.reading import items
from tests.support.story import Story

from lab import kubectl, metrics

BOUND_SECONDS, BOUND_ANSWERS = 15.0, 75
"""As without a neighbour."""
LAG = "davylamp_event_loop_lag_seconds"


def test_a_hostile_tenant_does_not_delay_anothers_rollback(
    stage: Story, request: pytest.FixtureRequest
) -> None:
    """His pods answer what is deep, wide, endless, slow and long, to checks and to direct scrapes."""
    good = stage.install("v1", replicas=4)
    hostile = replace(stage, namespace=f"{stage.namespace[:40]}-hostile")
    before = restarts()
    with kubectl.namespace(hostile.namespace):
        attack(hostile)
        rollback = rolled_back(stage, good)
        took = [sample for sample in metrics.scrape_all() if sample.name.startswith(LAG)]
        for harm in HARMS:
            model = replace(hostile, name=f"asked-{harm}")
            assert "stable" not in model.status(), harm
    request.node.user_properties.append(("measured", f"{rollback}; {took}"))
    assert restarts() == before
    assert rollback.seconds <= BOUND_SECONDS, rollback
    assert rollback.bad_answers <= BOUND_ANSWERS, rollback


def restarts() -> dict[str, int]:
    """How often the containers of the operator's pods were restarted."""
    return {
        pod["metadata"]["name"]: sum(s["restartCount"] for s in pod["status"]["containerStatuses"])
        for pod in items("pods", metrics.NAMESPACE, {"app.kubernetes.io/component": "operator"})
    }
