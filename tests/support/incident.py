"""A bad canary under traffic, from its first bad answer to its last."""

from collections.abc import Mapping
from typing import Any

from tests.support.story import REVISION, Story
from tests.support.watching import Watched, position, watching

from davylamp.api.names import Reason
from lab.records import bad_seconds, failures, last_answer, lost, once_reachable
from lab.traffic import Traffic


def rolled_back(
    stage: Story, good: str, *, run: int, rollout: Mapping[str, Any] | None = None
) -> tuple[float, int]:
    """A bad canary under traffic: seconds from first to last bad answer, and how many.

    100 requests/s, 4 pods, first step 25 %; v2 fails the fifth of them that lacks a measurement.
    """
    step, tag = {"weight": 25, "hold": "10m"}, stage.tags["v2"]
    config = {"RUN": str(run)}
    with (
        watching("services", stage.namespace) as services,
        watching("deployments", stage.namespace) as deployments,
        Traffic(stage.namespace, stage.name, image_tag=stage.tags["v1"]) as traffic,
    ):
        traffic.wait_for(200)
        wishes = {"steps": [step], "gates": None, "config": config, "rollout": rollout}
        bad = stage.apply(stage.model("v2", replicas=4, **wishes))
        assert stage.wait_rejected(bad)["reason"] == Reason.GATE_FAILED
        stage.wait(lambda: stage.replicas(bad) == 0, "its pods to be scaled down")
        traffic.wait_for(600)
    records = once_reachable(traffic.stop())

    assert fenced_at(services, stage.name, good) < scaled_down_at(deployments, f"risk-{bad}")
    assert {record.tag for record in failures(records)} == {tag}
    assert lost(records) == []
    last = last_answer(records, tag)
    assert last is not None
    assert last.time < records[-1].time - 2
    took = bad_seconds(records, tag)
    assert took is not None
    return took, len(failures(records))


def fenced_at(services: Watched, name: str, good: str) -> int:
    """The write by which the Service named one revision alone again."""
    alone = [v for v in services.of(name) if v["spec"]["selector"].get(REVISION) == good]
    return position(alone[-1])


def scaled_down_at(deployments: Watched, name: str) -> int:
    """The first write by which a Deployment that had pods shall have none."""
    versions = deployments.of(name)
    began = next(n for n, v in enumerate(versions) if v["spec"]["replicas"])
    return next(position(v) for v in versions[began:] if v["spec"]["replicas"] == 0)
