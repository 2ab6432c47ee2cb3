"""What disrupts all models at once, or is measured: these run alone, after the stories."""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.support.incident import rolled_back
from tests.support.story import PATIENCE, PAUSED_STEP, Story

from davylamp.api.names import Command, Reason
from lab import metrics, prometheus
from lab.kubectl import kubectl, wait_until
from lab.models import RESOURCE
from lab.records import failures, once_reachable
from lab.traffic import Traffic
from localcluster.names import CONTEXT
from localcluster.product import NAMESPACE, ROOT

GATE = {"name": "errors", "errorRate": {}}
BOUND_SECONDS, BOUND_ANSWERS = 15.0, 75
FENCE_SECONDS = 5.0
"""Usually a quarter of a second; a whole pass and a retry have to fit on a busy machine."""
OUTAGE_SECONDS = 60.0
IDLE_SECONDS = 30.0
OTHERS_SECONDS = 400.0
"""A demo that has just ended leaves a probation of ten minutes behind."""
WRITING = {"apply", "create", "update", "update_status", "delete"}


def test_p1_the_fence_comes_first_and_in_time(stage: Story, request: pytest.FixtureRequest) -> None:
    """Default settings, 100 requests/s, 4 pods, first step 25 %, a fifth of v2's answers fail.

    Assumes a machine on which pods get the CPU that they request. Time in which it stood still, so
    that no revision answered anything, is measured and is not the operator's.
    """
    good = stage.install("v1", replicas=4)

    rollback = rolled_back(stage, good)
    request.node.user_properties.append(("measured", str(rollback)))
    assert rollback.seconds <= BOUND_SECONDS, rollback
    assert rollback.bad_answers < BOUND_ANSWERS, rollback
    assert rollback.to_fence <= FENCE_SECONDS, rollback


def test_p3_an_outage_of_prometheus_neither_promotes_nor_rolls_back(stage: Story) -> None:
    """A good canary holds where it is, a new one gets no traffic; both go on afterwards."""
    late = replace(stage, name="late")
    stage.apply(stage.model("v1"))
    stage.wait_serving(late.install("v1"))
    options = {"rate": 20, "missing": 0, "image_tag": stage.tags["v1"]}

    with (
        Traffic(stage.namespace, stage.name, **options) as traffic,
        Traffic(late.namespace, late.name, **options),
    ):
        canary = stage.apply(stage.model("v3", gates=[GATE]))
        stage.wait_stage("Canary", canary)
        stage.wait(lambda: requests_judged(stage) > 0, "the gate to count requests")
        with prometheus.stopped():
            bad = late.apply(late.model("v3", gates=[GATE], config={"FAULT_ERROR_RATE": "0.5"}))
            late.wait_stage("Preparing", bad)
            stage.stays(
                lambda: unmoved(stage, "Canary") and unmoved(late, "Preparing"),
                "both held",
                seconds=OUTAGE_SECONDS,
            )
            gate = stage.status()["candidate"]["gates"][0]
            assert (gate["verdict"], gate["reason"]) == ("Unknown", "SourceDown")
            assert "SourceDown" in stage.condition("Ready")["message"]
            assert late.wait_holding(Reason.AWAITING_DATA)["actualWeight"] == 0
            assert not late.admits(bad)
        stage.wait_serving(canary, timeout=2 * PATIENCE)
        assert late.wait_rejected(bad, timeout=2 * PATIENCE)["reason"] == Reason.GATE_FAILED
    assert failures(once_reachable(traffic.stop())) == []


def requests_judged(story: Story) -> int:
    gates = story.status()["candidate"].get("gates", [])
    return gates[0]["requests"] if gates else 0


def unmoved(story: Story, stage: str) -> bool:
    """Whether the candidate is where it was: at its first step, or before it."""
    status = story.status()
    candidate = status.get("candidate", {})
    at = 1 if stage == "Canary" else 0
    return (
        not status.get("rejected")
        and (candidate.get("stage"), candidate.get("step")) == (stage, at)
        and len(candidate["weights"]) == at
    )


def test_p5_the_operator_killed_in_every_state_ends_as_without(stage: Story) -> None:
    """One model in each state of a rollout at the moment of the kill."""
    states = ("preparing", "canary", "fenced", "promoting", "probation", "returning")
    models = {state: replace(stage, name=state) for state in states}
    slow_v1 = {"config": {"FAULT_START_DELAY": "10"}}
    options = {"promoting": {"replicas": 2}, "returning": slow_v1}
    manifests = {s: story.model("v1", **options.get(s, {})) for s, story in models.items()}
    first = {state: story.apply(manifests[state]) for state, story in models.items()}
    for state, story in models.items():
        story.wait_serving(first[state])

    second = brought_into_their_states(models, manifests)
    dead = killed_leader()
    wait_until(
        lambda: metrics.leader() not in {dead, None}, timeout=PATIENCE, what="another leader"
    )

    ends = {
        "preparing": [(second, "Promoted"), (first, "Promoted")],
        "canary": [(second, "Promoted"), (first, "Promoted")],
        "fenced": [(second, "Aborted"), (first, "Promoted")],
        "promoting": [(second, "Promoted"), (first, "Promoted")],
        "probation": [(second, "Promoted"), (first, "Promoted")],
        "returning": [(first, "Returned"), (second, "Promoted"), (first, "Promoted")],
    }
    for state, story in models.items():
        serves = (first if state in {"fenced", "returning"} else second)[state]
        other = ({first[state], second[state]} - {serves}).pop()
        story.wait(
            lambda s=story: "previous" not in s.status(),
            "the end of a probation",
            timeout=2 * PATIENCE,
        )
        story.wait_without_pods(other)
        status = story.status()
        assert status["stable"]["revision"] == serves, state
        assert "candidate" not in status, state
        assert story.outcomes() == [(which[state], end) for which, end in ends[state]], state
        assert story.admits(serves), state
        assert not story.admits(other), state
        assert len(story.pods(serves)) == (2 if state == "promoting" else 1), state
    assert models["fenced"].rejection(second["fenced"])


def brought_into_their_states(
    models: Mapping[str, Story], manifests: Mapping[str, dict]
) -> dict[str, str]:
    """Each model is in the state it is named after, the last to be reached first; by revision."""
    third = [{"weight": 34, "hold": "1s"}]
    plans = {
        "returning": {},
        "probation": {"rollout": {"probation": "90s"}},
        "fenced": {"steps": PAUSED_STEP},
        "canary": {"steps": [{"weight": 50, "hold": "80s"}]},
        "promoting": {"replicas": 2, "steps": third, "config": {"FAULT_START_DELAY": "15"}},
        "preparing": {"config": {"FAULT_START_DELAY": "20"}},
    }
    early = ("returning", "probation", "fenced")
    second = {
        state: models[state].apply(models[state].model("v3", **plans[state])) for state in early
    }
    models["returning"].wait_serving(second["returning"])
    models["returning"].wait_without_pods(models["returning"].outcomes()[-1][0])
    models["fenced"].wait_stage("Canary", second["fenced"])
    for state in ("promoting", "canary"):
        second[state] = models[state].apply(models[state].model("v3", **plans[state]))
    models["promoting"].wait_stage("Promoting", second["promoting"])
    second["preparing"] = models["preparing"].apply(
        models["preparing"].model("v3", **plans["preparing"])
    )
    back = models["returning"].apply(manifests["returning"])
    models["preparing"].wait_stage("Preparing", second["preparing"])
    models["returning"].wait_stage("Returning", back)
    at = {state: story.status() for state, story in models.items()}
    assert at["canary"]["candidate"]["stage"] == "Canary"
    assert at["promoting"]["candidate"]["stage"] == "Promoting"
    assert at["probation"]["previous"]["tag"] == models["probation"].tags["v1"]
    fenced = models["fenced"]
    fenced.wait(lambda: fenced.admits(second["fenced"]), "its traffic")
    fenced.say(Command.ABORT, second["fenced"])
    fenced.wait(lambda: not fenced.admits(second["fenced"]), "its fence")
    return second


def killed_leader() -> str:
    """Kill the leading operator at once; its name."""
    leader = metrics.leader()
    assert leader is not None
    kubectl("delete", "pod", leader, "-n", NAMESPACE, "--force", "--grace-period=0")
    return leader


def test_p8_an_upgrade_of_the_operator_is_quiet(stage: Story) -> None:
    """New operator pods: no model pod is restarted, no rollout starts or moves."""
    canary = replace(stage, name="canary")
    stage.install("v1")
    canary.install("v1")
    following = canary.apply(canary.model("v3", steps=PAUSED_STEP))
    canary.wait_holding(Reason.AWAITING_APPROVAL)
    canary.wait(lambda: len(canary.events()) == 4, "its Events")
    canary.wait(lambda: canary.admits(following), "its traffic")
    before = [quiet_parts(stage), quiet_parts(canary)]
    operators = set(metrics.operator_pods())

    upgrade = ("helm", "upgrade", "davylamp", str(ROOT / "charts/davylamp"), "--reuse-values")
    where = ("--kube-context", CONTEXT, "--namespace", NAMESPACE, "--wait", "--timeout", "3m")
    change = ("--set-string", f"podAnnotations.upgraded={time.time():.0f}")
    subprocess.run([*upgrade, *where, *change], check=True, capture_output=True, timeout=200)
    wait_until(
        lambda: (
            not operators & set(metrics.operator_pods())
            and metrics.leader() not in {*operators, None}
        ),
        timeout=PATIENCE,
        what="a new operator to lead",
    )
    stage.stays(lambda: [quiet_parts(stage), quiet_parts(canary)] == before, "quiet", seconds=15)

    canary.say(Command.ADVANCE, f"{canary.status()['candidate']['revision']}@1")
    canary.wait(lambda: "candidate" not in canary.status(), "the new operator to go on")


def quiet_parts(story: Story) -> list[object]:
    """What an upgrade must leave as it is."""
    status = story.status()
    pods = [(p["metadata"]["uid"], p["metadata"]["generation"]) for p in story.pods()]
    rollout = [status.get(part) for part in ("stable", "candidate", "rejected", "history")]
    return [
        sorted(pods),
        rollout,
        story.service()["spec"],
        story.replicas(status["stable"]["revision"]),
    ]


def test_p9_idle_is_free(stage: Story) -> None:
    """No write and no query while nothing rolls out; only the lease is renewed."""
    stage.install("v1")
    other = replace(stage, name="other")
    other.install("v1")
    stage.wait_serving(stage.apply(stage.model("v3")))
    stage.wait(lambda: len(stage.pods()) == 1, "one pod to be left")
    wait_until(
        nothing_else_rolls_out,
        timeout=OTHERS_SECONDS,
        what="all other models to be idle or gone",
        every=2,
        state=lambda: kubectl("get", RESOURCE, "-A"),
    )
    wait_until(
        lambda: work_done() == (time.sleep(5), work_done())[1], timeout=PATIENCE, what="quiet"
    )

    before = work_done()
    end = time.monotonic() + IDLE_SECONDS
    while time.monotonic() < end:
        time.sleep(5)
        assert work_done() == before


def nothing_else_rolls_out() -> bool:
    """Whether no model is being rolled out or removed anywhere."""
    phases = kubectl("get", "namespaces", "-o", "jsonpath={.items[*].status.phase}")
    parts = "jsonpath={.items[*].status['candidate','previous']}"
    moving = kubectl("get", RESOURCE, "-A", "-o", parts)
    return "Terminating" not in phases and not moving.strip()


def work_done() -> tuple[float, float]:
    """Writes except of the lease, and queries, of all operator pods so far."""
    samples = metrics.scrape_all()
    writes = sum(
        s.value
        for s in samples
        if s.name == "davylamp_api_requests_total"
        and s.labels["verb"] in WRITING
        and s.labels["kind"] != "Lease"
    )
    return writes, metrics.total(samples, "davylamp_prometheus_queries_total")
