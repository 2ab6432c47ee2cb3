"""Objects as an earlier operator stored them: the next one goes on where that one was (P8)."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.fakecluster import Address
from tests.support.operation import NAMESPACE, Land

from davylamp.api.names import KIND
from davylamp.controller.cluster.cache import Key

Json = dict[str, Any]
STORED: dict[str, Json] = json.loads(
    (Path(__file__).parent / "stored" / "earlier_operator.json").read_text(encoding="utf-8")
)
"""All objects of a model at rest (with a pinned Secret), in probation, and in a canary
that was tried again: made by the operator before owners, budgets and commands were as they are now."""


def taken_over(state: str) -> Land:
    """A cluster with those objects, and the operator of today."""
    land, stored = Land(), STORED[state]
    land.now, land.cluster.version = datetime.fromisoformat(stored["now"]), stored["version"]
    for item in stored["objects"]:
        described = item["metadata"]
        address = Address(item["kind"], described["namespace"], described["name"])
        land.cluster.objects[address] = item
    land.restart()
    return land


@pytest.mark.parametrize("state", sorted(STORED))
async def test_p8_what_an_earlier_operator_stored_goes_on_as_it_is(state):
    land = taken_over(state)
    pods = {pod["metadata"]["uid"] for pod in land.cluster.find("Pod")}
    serving, stable = land.serving(), land.stable()
    for _ in range(20):
        await land.tick()
        assert land.serving() == serving
    land.operator.wake(Key(NAMESPACE, "risk"))  # as the status of a new budget does
    await land.run(5)
    assert {pod["metadata"]["uid"] for pod in land.cluster.find("Pod")} == pods
    assert (land.stable(), land.serving(), land.told()) == (stable, serving, [])
    touched = {write.kind for write in land.cluster.writes}
    assert touched <= {KIND, "PodDisruptionBudget"}, "no rollout, no restart"
    budgets = [item["metadata"]["name"] for item in land.cluster.find("PodDisruptionBudget")]
    assert budgets
    assert "risk" not in budgets, "the one over all revisions goes"
