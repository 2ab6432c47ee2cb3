"""A bad canary under traffic, from its first bad answer to its last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.rollback.measures import closed_at
from tests.support.reading import Json
from tests.support.story import REVISION, Story
from tests.support.watching import Watched, position, watching

from davylamp.api.names import Reason
from lab.records import failures, first_bad, last_answer, last_bad, lost, once_reachable, stalled
from lab.traffic import Traffic
from lab.watch import Version, Watch


@dataclass(frozen=True)
class Rollback:
    """What a rollback took; seconds."""

    first_bad_to_last: float
    stalled: float
    """Of these, how long the machine let nobody be answered, by any revision."""
    bad_answers: int
    to_fence: float
    """Decision to the Service's selector written, as a watch saw it: the operator's alone."""

    @property
    def seconds(self) -> float:
        """From the first bad answer to the last, without the time in which the machine stood still."""
        return self.first_bad_to_last - self.stalled

    def __str__(self) -> str:
        return (
            f"{self.first_bad_to_last:.1f} s from the first to the last of {self.bad_answers} bad "
            f"answers, machine stalled for {self.stalled:.1f} s of them; decision to fence "
            f"{self.to_fence:.2f} s"
        )


def rolled_back(stage: Story, good: str, *, rollout: Mapping[str, Any] | None = None) -> Rollback:
    """Apply a bad canary under traffic, and measure its rollback.

    100 requests/s, 4 pods, first step 25 %; v2 fails the fifth of them that lacks a measurement.
    """
    step, tag = {"weight": 25, "hold": "10m"}, stage.tags["v2"]
    with (
        Watch("service", stage.name, stage.namespace) as service,
        watching("deployments", stage.namespace) as deployments,
        Traffic(stage.namespace, stage.name, image_tag=stage.tags["v1"]) as traffic,
    ):
        traffic.wait_for(200)
        bad = stage.apply(stage.model("v2", replicas=4, steps=[step], gates=None, rollout=rollout))
        rejection = stage.wait_rejected(bad)
        assert rejection["reason"] == Reason.GATE_FAILED
        stage.wait(lambda: stage.replicas(bad) == 0, "its pods to be scaled down")
        traffic.wait_for(600)
        versions = service.versions()
    records = once_reachable(traffic.stop())

    assert fenced_at(versions, good) < scaled_down_at(deployments, f"{stage.name}-{bad}")
    assert {record.tag for record in failures(records)} == {tag}
    assert lost(records) == []
    last = last_answer(records, tag)
    assert last is not None
    assert last.time < records[-1].time - 2
    first_error, last_error = first_bad(records, tag), last_bad(records, tag)
    assert first_error is not None
    assert last_error is not None
    return Rollback(
        first_bad_to_last=last_error.time - first_error.time,
        stalled=stalled(records, first_error.time, last_error.time),
        bad_answers=len(failures(records)),
        to_fence=closed_at(versions, bad) - decided_at(rejection),
    )


def decided_at(rejection: Json) -> float:
    """When the decision was taken, epoch seconds."""
    return datetime.fromisoformat(rejection["at"]).timestamp()


def fenced_at(service: list[Version], good: str) -> int:
    """The write by which the Service named one revision alone again."""
    alone = [v.object for v in service if v.object["spec"]["selector"].get(REVISION) == good]
    return position(alone[-1])


def scaled_down_at(deployments: Watched, name: str) -> int:
    """The first write by which a Deployment that had pods shall have none."""
    versions = deployments.of(name)
    began = next(n for n, v in enumerate(versions) if v["spec"]["replicas"])
    return next(position(v) for v in versions[began:] if v["spec"]["replicas"] == 0)
