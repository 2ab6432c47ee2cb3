"""A flight record, as kubectl prints it, is all that a replay needs."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from tests.unit.cli.conftest import canary, spec

from davylamp.api.gate_kinds import ErrorRate, Latency
from davylamp.api.gates import Gate
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Outcome, RevisionRef, WeightChange
from davylamp.gates import Channel, Sample, Scrapes
from davylamp.gates.recording import Recording, noted
from davylamp.manifests.flight_record import Flight, flight_record
from davylamp.manifests.identity import Owner

BEGAN = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
OWNER = Owner("model", "models", uid="1")
PLAN = Rollout(
    steps=(Step(weight=50, hold="1m"),),
    gates=(
        Gate(name="errors", error_rate=ErrorRate()),
        Gate(name="slow", latency=Latency(over="250ms", warm_up="0s")),
    ),
)


def flight(**more):
    ref = {"tag": "1", "feature_snapshot": "1", "seed": 1}
    return Flight(
        operator="0",
        namespace="models",
        name="model",
        candidate=RevisionRef(revision="new", **ref),
        stable=RevisionRef(revision="old", **ref),
        started_at=BEGAN - timedelta(minutes=1),
        canary_at=BEGAN,
        ended_at=BEGAN + timedelta(minutes=5),
        outcome=Outcome.ROLLED_BACK,
        reason="GateFailed",
        weights=(WeightChange(weight=50, share="0.3333", at=BEGAN),),
        scrape_interval=5.0,
        **more,
    )


def sides(found, sample):
    pods = {"old": {}, "new": {}}
    for row in found:
        pods[row[2]].setdefault(row[1], []).append(sample(*row))
    return Scrapes(BEGAN.timestamp() + 1e6, pods["old"], pods["new"])


def counted(time, _pod, _revision, requests, errors):
    return Sample(BEGAN.timestamp() + time, float(requests), float(errors))


def timed(slow):
    """All answers within a quarter of a second, but for the canary's when it is slow."""

    def sample(time, _pod, revision, requests, _errors):
        quick = 0.0 if slow and revision == "new" else float(requests)
        parts = {"0.25": quick, "1.0": float(requests)}
        return Sample(BEGAN.timestamp() + time, float(requests), 0.0, parts)

    return sample


def record(found, *, slow=False, **more):
    recording = noted(Recording(), Channel.ERRORS, sides(found, counted))
    recording = noted(recording, Channel.LATENCY, sides(found, timed(slow)))
    item = flight_record(
        OWNER, flight(**more), recording, repository="registry.example/model", plan=PLAN
    )
    return yaml.safe_dump(item)


def replayed(command, text, *more):
    path = command.file("record.yaml", text)
    code, out = command.run("replay", "--json", "--record", path, *more)
    assert code == 0, command.err
    return [json.loads(line) for line in out.splitlines()]


def test_a_record_says_when_and_why_it_was_taken_back(command):
    last = replayed(command, record(canary(0.2)))[-1]
    assert (last["decision"], last["gate"]) == ("rollback", "errors")
    assert 0 < last["at"] - BEGAN.timestamp() <= 20
    assert last["canaryErrors"] == pytest.approx(0.2 * last["canaryRequests"], abs=1)


def test_gates_on_other_things_than_errors_are_judged_too(command):
    last = replayed(command, record(canary(0.0), slow=True))[-1]
    assert (last["decision"], last["gate"]) == ("rollback", "slow")
    assert last["reason"] == "LatencyWorse"


def test_other_settings_may_be_tried(command):
    lax = command.file("lax.yaml", spec("[{name: errors, errorRate: {max: 50%}}]"))
    last = replayed(command, record(canary(0.2)), "--spec", lax)[-1]
    assert last["decision"] == "promote"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("kind: Secret", "there is no ConfigMap in it"),
        ("kind: ConfigMap", "it is no flight record"),
        (record(canary(0.2), phase="Probation"), "holds no canary's counters"),
        (record([]), "holds no canary's counters"),
    ],
)
def test_what_is_no_record_of_a_canary_is_refused(command, text, wrong):
    assert command.run("replay", "--record", command.file("record.yaml", text))[0] == 2
    assert wrong in command.err
