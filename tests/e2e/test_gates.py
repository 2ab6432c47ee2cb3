"""Every gate beside the error rate, what gates do when they fail, and when they have no data."""

import json
import re
import subprocess
import sys
from datetime import datetime
from typing import Any

import pytest
from tests.support.gatetalk import gate_of, typed, wait_gate
from tests.support.reading import Json
from tests.support.story import PATIENCE, PAUSED_STEP, Story

from davylamp.api.names import Command, Reason
from lab.kubectl import KubectlError
from lab.traffic import Traffic

RATE = 30.0
LONG_STEP = ({"weight": 50, "hold": "10m"},)
UNCHECKED = {"checks": []}
ERRORS_BY_PROMQL = (
    'sum(rate(model_requests_total{namespace="{{ namespace }}",pod=~"{{ pods }}",code="500"}[15s]))'
    ' / sum(rate(model_requests_total{namespace="{{ namespace }}",pod=~"{{ pods }}"}[15s]))'
)
OTHER_LABELS = """
import http.server

METRICS = 'model_requests_total{path="/predict",code="200"} 1\\n'

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(METRICS.encode())
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
"""A model server whose metrics have other labels than the operator is configured for."""


def steady_traffic(story: Story, rate: float = RATE) -> Traffic:
    """Traffic whose every request the model can answer."""
    tag = story.tags["v1"]
    return Traffic(story.namespace, story.name, rate=rate, missing=0, image_tag=tag)


def canary(
    story: Story,
    gates: list[dict[str, Any]],
    config: dict[str, str] | None = None,
    *,
    release: str = "v1",
    rollout: dict[str, Any] | None = None,
    steps: Any = LONG_STEP,
) -> str:
    """Apply a revision whose faults no check finds first; the revision."""
    environment = {"RUN": "canary", **(config or {})}
    plan = {**UNCHECKED, **(rollout or {})}
    return story.apply(
        story.model(release, config=environment, gates=gates, rollout=plan, steps=steps)
    )


def rolled_back_by(story: Story, revision: str, gate: str) -> str:
    """The sentence of the gate that rolled a revision back, the same in status and condition."""
    rejection = story.wait_rejected(revision)
    assert rejection["reason"] == Reason.GATE_FAILED, rejection
    assert rejection["message"].startswith(f"gate {gate}: ")
    assert rejection["message"] in story.condition("Stalled")["message"]
    return rejection["message"]


def judged_again(story: Story, revision: str) -> tuple[Json, Json]:
    """The attempt that ended in a rollback, and the last line of `davylamp replay` of its record."""
    (entry,) = [end for end in story.status()["history"] if end["revision"] == revision]
    assert entry["outcome"] == "RolledBack"
    record = story.kubectl("get", "configmap", entry["recording"], "-o", "yaml")
    replayed = subprocess.run(
        [sys.executable, "-m", "davylamp", "replay", "--record", "/dev/stdin", "--json"],
        input=record,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert replayed.returncode == 0, replayed.stderr
    return entry, json.loads(replayed.stdout.splitlines()[-1])


# --- each gate finds what it is for ---------------------------------------------------------------


def test_slow_answers_are_rolled_back(story: Story) -> None:
    good = story.install("v1")
    gate = {"name": "slow", "latency": {"over": "100ms", "max": "1%", "warmUp": "5s"}}
    with steady_traffic(story) as traffic, story.untouched(good):
        traffic.wait_for(10)
        late = {"FAULT_LATENCY": "0.2", "FAULT_LATENCY_SHARE": "0.5"}
        message = rolled_back_by(story, canary(story, [gate], late), "slow")
    canary_counts, stable_counts = re.findall(r"(\d+) of (\d+)\b", message)
    slow, requests = map(int, canary_counts)
    assert slow > 0.2 * requests, message
    assert int(stable_counts[1]) > 0, message
    assert "0.1 s" in message
    assert "1 %" in message


def test_shifted_predictions_wait_for_a_user_or_are_rolled_back(story: Story) -> None:
    good = story.install("v1")
    gate = {"name": "scores", "predictions": {"distance": "0.1"}}
    shift = {"FAULT_PREDICTION_SHIFT": "100"}
    with steady_traffic(story) as traffic, story.untouched(good):
        traffic.wait_for(10)
        first = canary(story, [{**gate, "onFail": "Pause"}], shift)
        story.wait_holding(Reason.AWAITING_APPROVAL)
        scores = wait_gate(story, "scores", verdict="Fail", reason="PredictionsDiffer")
        distance = re.search(r"\b(0\.\d+) apart .*\bPSI [\d.]+", scores["message"])
        assert distance, scores
        assert float(distance[1]) > 0.1
        ready = story.condition("Ready")["message"]
        assert scores["message"] in ready
        typed(story, "abort")
        assert story.wait_rejected(first)["reason"] == Reason.ABORTED

        again = canary(story, [gate], {**shift, "RUN": "again"})
        assert re.search(r"\b0\.1\b", rolled_back_by(story, again, "scores"))


def test_other_explanations_wait_for_a_user(story: Story) -> None:
    good = story.install("v1")
    gate = {"name": "why", "explanations": {"distance": "0.1"}}
    with steady_traffic(story) as traffic, story.untouched(good):
        traffic.wait_for(10)
        bent = {"FAULT_EXPLANATION_SHIFT": "100"}
        plan = {"checks": ["Manifest", "Golden"], "names": ["age"]}
        revision = canary(story, [gate], bent, rollout=plan)
        story.wait_holding(Reason.AWAITING_APPROVAL)
        why = wait_gate(story, "why", verdict="Fail", reason="ExplanationsDiffer")
        assert re.search(r"0\.\d+ from stable.* 0\.\d+ from .*training", why["message"]), why
        assert "age " in why["message"]
        assert len(story.status()["candidate"]["baseline"]) == 10
        typed(story, "abort")
        story.wait_rejected(revision)


def test_a_gap_between_groups_is_rolled_back(story: Story) -> None:
    good = story.install("v1")
    gate = {"name": "groups", "bias": {"max": "0.1", "increase": "0.05"}}
    with steady_traffic(story, 2 * RATE) as traffic, story.untouched(good):
        traffic.wait_for(10)
        names = {"names": ["1", "2"]}
        bad = canary(story, [gate], release="unfair", rollout=names)
        message = rolled_back_by(story, bad, "groups")
    gaps = re.search(r"\bgroup \d\b.* gap of (0\.\d+) .*stable's (0\.\d+)", message)
    assert gaps, message
    assert float(gaps[1]) > max(0.1, float(gaps[2]) + 0.05)


def test_a_query_of_ones_own_rolls_back(story: Story) -> None:
    good = story.install("v1")
    own = {"promql": ERRORS_BY_PROMQL, "max": "0.05", "failures": 2, "interval": "5s"}
    with steady_traffic(story) as traffic, story.untouched(good):
        traffic.wait_for(10)
        bad = canary(story, [{"name": "own", "query": own}], {"FAULT_ERROR_RATE": "0.3"})
        message = rolled_back_by(story, bad, "own")
    value = re.search(r"\bvalue (0\.\d+)\b.*\b0\.05\b.*\b2 of \d+ values\b", message)
    assert value, message
    assert float(value[1]) > 0.05
    entry, last = judged_again(story, bad)
    assert (last["decision"], last["gate"]) == ("rollback", "own")
    assert 0 <= datetime.fromisoformat(entry["at"]).timestamp() - last["at"] < 30


# --- gates without data get no traffic ------------------------------------------------------------


def test_a_query_that_nobody_can_answer_gets_no_traffic(story: Story) -> None:
    good = story.install("v1")
    unknown = {"name": "own", "query": {"promql": 'up{pod="{{ node }}"}', "max": "1"}}
    broken = {"name": "own", "query": {"promql": "sum(rate(", "max": "1", "interval": "5s"}}
    with story.untouched(good):
        canary(story, [unknown])
        stalled = story.wait(lambda: story.condition("Stalled"), "it to be stalled")
        assert stalled["reason"] == Reason.INVALID_SPEC
        assert "spec.rollout.gates.0.query.promql" in stalled["message"]
        assert "{{ node }}" in stalled["message"]
        assert "candidate" not in story.status()

        revision = canary(story, [broken], {"RUN": "broken"})
        message = without_data(story, "own")
        assert "parse error" in message
        assert not story.admits(revision)


def test_a_gate_that_finds_nothing_on_stable_gets_no_traffic(story: Story) -> None:
    good = story.install("v1")
    gate = {"name": "slow", "latency": {"over": "120ms"}}
    with story.untouched(good):
        revision = canary(story, [gate])
        message = without_data(story, "slow")
        assert {"0.12", "0.1", "0.25"} <= set(re.findall(r"\b\d+\.\d+\b", message)), message
        assert not story.admits(revision)
    typed(story, "promote")
    story.wait_serving(revision)


def test_a_gate_without_series_says_what_there_is_and_where_to_look(story: Story) -> None:
    container = {"name": "model", "command": ["python", "-c", OTHER_LABELS]}
    template = {"spec": {"containers": [container]}}
    serving = {**story.model("v1")["spec"]["serving"], "template": template}
    good = story.install("v1", serving=serving, rollout=UNCHECKED)
    with story.untouched(good):
        again = story.model(
            "v1",
            serving=serving,
            rollout=UNCHECKED,
            config={"RUN": "2"},
            gates=[{"name": "errors", "errorRate": {}}],
        )
        revision = story.apply(again)
        message = without_data(story, "errors")
        assert 'model_requests_total{route="predict"}' in message
        story.wait(
            lambda: "metrics that are there: " in story.condition("Ready")["message"],
            "the metrics that there are",
        )
        assert "/predict" not in story.condition("Ready")["message"].replace('route="predict"', "")
        assert not story.admits(revision)


def without_data(story: Story, gate: str) -> str:
    """What Ready says while a candidate gets no traffic because a gate could not judge it."""
    held = story.wait_holding(Reason.NO_BASELINE_DATA)
    assert (held["stage"], held["actualWeight"]) == ("Preparing", 0)
    ready = story.condition("Ready")["message"]
    assert f"gate {gate}: " in ready
    return ready


@pytest.mark.parametrize("wish", ["Rollback", "Pause"])
def test_no_data_for_too_long_ends_as_the_plan_says(story: Story, wish: str) -> None:
    good = story.install("v1")
    plan = {"noData": wish, "noDataDeadline": "5s"}
    gate = {"name": "errors", "errorRate": {"max": "20%"}}
    revision = canary(story, [gate], rollout=plan, steps=({"weight": 50, "hold": "2s"},))
    if wish == "Rollback":
        rejection = story.wait_rejected(revision)
        assert rejection["reason"] == Reason.NO_DATA
        assert "NoTraffic" in rejection["message"]
        assert story.admits(good)
        return
    story.wait_holding(Reason.AWAITING_APPROVAL)
    with steady_traffic(story) as traffic:
        traffic.wait_for(20 * round(RATE))
        story.wait_status(lambda s: gate_of(s, "errors").get("requests"), "requests seen")
        assert story.status()["candidate"]["waitingFor"] == Reason.AWAITING_APPROVAL
        typed(story, "advance")
        story.wait_serving(revision)


# --- what gates report ----------------------------------------------------------------------------


def test_a_gate_that_warns_does_not_stop_anything(story: Story) -> None:
    story.install("v1")
    gates = [
        {"name": "watched", "errorRate": {"max": "1%"}, "onFail": "Warn"},
        {"name": "enough", "errorRate": {"max": "60%"}},
    ]
    with steady_traffic(story) as traffic:
        traffic.wait_for(10)
        failing = {"FAULT_ERROR_RATE": "0.3"}
        revision = canary(story, gates, failing, steps=PAUSED_STEP)
        story.wait(lambda: story.events(Reason.GATE_WARNED), "the warning")
        story.say(Command.ADVANCE, f"{revision}@1")
        story.wait_serving(revision)
    warned = story.events(Reason.GATE_WARNED)
    assert len(warned) == 1
    assert warned[0].severity == "Warning"
    assert "gate watched would roll back " in warned[0].message
    assert "more than 1.5x" in warned[0].message


def test_the_status_of_a_canary_reads_like_an_explanation(story: Story) -> None:
    story.install("v1", config={"FAULT_ERROR_RATE": "0.02"})
    rule = {"name": "errors", "errorRate": {"max": "5%"}}
    # so sure a pass takes over a thousand requests: the gate is read while it still gathers evidence
    undecided = {"falsePromotion": "0.0001%"}
    with steady_traffic(story) as traffic:
        traffic.wait_for(40 * round(RATE), timeout=PATIENCE)
        canary(story, [rule], {"FAULT_ERROR_RATE": "0.02"}, rollout=undecided)

        def is_complete(status: Json) -> bool:
            gate = gate_of(status, "errors")
            errors = gate.get("errors"), gate.get("stableErrors")
            return all(errors) and gate.get("requestsNeeded") is not None

        candidate = story.wait_status(is_complete, "errors of both, and what is needed")[
            "candidate"
        ]
    gate = candidate["gates"][0]
    canary_rate, stable_rate = gate["effect"].removeprefix("canary ").split(", stable ")
    for revision in (canary_rate, stable_rate):
        rate, confidence, low, high = map(float, re.findall(r"\d+(?:\.\d+)?", revision)[:4])
        assert confidence == 95, gate
        assert low <= rate <= high, gate
    required = re.findall(r"\b([\d,]+)(?: to |:)1\b", gate["evidence"])[-1]
    assert int(required.replace(",", "")) > 1, gate
    assert gate["requestsNeeded"] > 0
    (forecast,) = candidate["forecast"]
    assert forecast["name"] == "errors"
    rate_of_stable = re.search(r"([\d.]+) requests/s", forecast["message"])
    assert rate_of_stable, forecast
    assert 0.2 * RATE < float(rate_of_stable[1]) < 1.2 * RATE
    assert re.search(r"\b20 ?% errors in about \d+", forecast["message"]), forecast


def test_what_the_gates_read_can_be_judged_again(story: Story) -> None:
    story.install("v1")
    with steady_traffic(story) as traffic:
        traffic.wait_for(10)
        bad = canary(story, [{"name": "errors", "errorRate": {}}], {"FAULT_ERROR_RATE": "0.3"})
        message = rolled_back_by(story, bad, "errors")
    entry, last = judged_again(story, bad)
    assert last["decision"] == "rollback"
    judged = re.search(r"(\d+) errors of (\d+) requests", message)
    assert judged, message
    assert (last["canaryErrors"], last["canaryRequests"]) == (int(judged[1]), int(judged[2]))
    decided = datetime.fromisoformat(entry["at"]).timestamp()
    assert 0 <= decided - last["at"] < 30


def test_a_gate_of_two_kinds_is_refused_when_it_is_written(story: Story) -> None:
    both = {"name": "both", "errorRate": {}, "latency": {}}
    with pytest.raises(KubectlError, match=r"exactly one of .*errorRate, latency"):
        story.apply(story.model("v1", gates=[both]))
