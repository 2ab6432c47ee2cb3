"""Direct scrapes: the operator reads the pods itself, with Prometheus or without.

These measure time or take Prometheus away, so they run alone.
"""

import pytest
from tests.support.incident import rolled_back
from tests.support.story import Story

from davylamp.api.names import Reason
from lab import prometheus
from lab.records import bad, bad_seconds
from lab.traffic import Traffic

GATE = {"name": "errors", "errorRate": {}}
PODS = {"evidence": {"source": "Pods", "interval": "1s"}}
BOUND_SECONDS, BOUND_ANSWERS = 8.0, 60
"""Loose, as the machine is shared; the aim is 5 s and 25, which `make bench` measures."""
LONG_STEP = ({"weight": 50, "hold": "10m"},)


def test_p1_with_direct_scrapes_a_bad_canary_is_gone_in_seconds(
    stage: Story, request: pytest.FixtureRequest
) -> None:
    """As from Prometheus, and under the same assumption about the machine."""
    good = stage.install("v1", replicas=4)

    rollback = rolled_back(stage, good, rollout=PODS)
    request.node.user_properties.append(("measured", str(rollback)))
    assert rollback.seconds <= BOUND_SECONDS, rollback
    assert rollback.bad_answers <= BOUND_ANSWERS, rollback


def test_p3_direct_scrapes_judge_while_prometheus_is_away(
    stage: Story, request: pytest.FixtureRequest
) -> None:
    """v2 fails what lacks a measurement, and such requests come only after Prometheus went."""
    tag = stage.tags["v1"]
    stage.install("v1")
    with Traffic(stage.namespace, stage.name, rate=40, missing=0, image_tag=tag) as traffic:
        traffic.wait_for(40)
        canary = stage.apply(stage.model("v2", gates=[GATE], steps=LONG_STEP, rollout=PODS))
        stage.wait_stage("Canary", canary)
        stage.wait(lambda: requests_judged(stage) > 0, "the gate to count requests")
    with prometheus.stopped():
        before = requests_judged(stage)
        with Traffic(stage.namespace, stage.name, rate=40, missing=0.3, image_tag=tag) as traffic:
            rejection = stage.wait_rejected(canary)
            traffic.wait_for(40)
        assert rejection["reason"] == Reason.GATE_FAILED, rejection
        records = traffic.records()
    took, count = bad_seconds(records, stage.tags["v2"]), len(bad(records))
    request.node.user_properties.append(("measured", f"{took:.1f} s, {count} bad answers"))
    assert before > 0
    assert took is not None
    assert took <= 2 * BOUND_SECONDS


def requests_judged(story: Story) -> int:
    """Canary requests that the gate has counted."""
    gates = story.status()["candidate"].get("gates", [])
    return gates[0]["requests"] if gates else 0
