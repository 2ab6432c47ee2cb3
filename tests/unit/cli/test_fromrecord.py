"""A flight record, as kubectl prints it, is all that a replay needs."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from tests.unit.cli.conftest import canary, spec

from davylamp.api.gate_kinds import ErrorRate, Latency, Query
from davylamp.api.gate_status import GateRate
from davylamp.api.gates import Gate
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Outcome, RevisionRef, WeightChange
from davylamp.gates import Channel, QueryAnswers, Sample, Scrapes
from davylamp.gates.recording import Recording, answer_noted, noted
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
        stable=None if more.get("phase") == "Probation" else RevisionRef(revision="old", **ref),
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


def record(found, *, slow=False, own=(), gates=PLAN.gates, **more):
    """Of a canary; `own` are values of the query of gate `own`, every 10 s, beside stable's."""
    recording = noted(Recording(), Channel.ERRORS, sides(found, counted))
    recording = noted(recording, Channel.LATENCY, sides(found, timed(slow)))
    if own:
        recording = answer_noted(recording, "own", answers(own))
    plan = PLAN.model_copy(update={"gates": gates})
    item = flight_record(
        OWNER, flight(**more), recording, repository="registry.example/model", plan=plan
    )
    return yaml.safe_dump(item)


def answers(own):
    times = [BEGAN.timestamp() + 10.0 * number for number in range(1, len(own) + 1)]
    return QueryAnswers(times[-1], dict(zip(times, own, strict=True)), dict.fromkeys(times, 2.0))


def own_gate(**told):
    return Gate(name="own", query=Query(promql="up", interval="10s", warm_up="0s", **told))


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


def test_an_own_query_is_judged_by_the_values_it_gave(command):
    gates = (own_gate(ratio="1.5", failures=2), PLAN.gates[0])
    *looks, last = replayed(
        command, record(canary(0.0), own=[2.1, 9.0, 2.0, 3.5, 1.0], gates=gates)
    )
    values = [look for look in looks if look["gate"] == "own"]
    assert [(v["value"], v["stableValue"], v["verdict"]) for v in values] == [
        (2.1, 2.0, "Pass"),
        (9.0, 2.0, "Undecided"),
        (2.0, 2.0, "Pass"),
        (3.5, 2.0, "Fail"),
    ]
    assert (last["decision"], last["gate"]) == ("rollback", "own")
    assert last["at"] - BEGAN.timestamp() == 40
    assert last["reason"] == "QueryOutOfBounds"


def test_a_record_of_own_queries_alone_is_judged_and_drawn(command, tmp_path):
    text = record([], own=[1.0, 7.0], gates=(own_gate(max="5", failures=1),))
    target = tmp_path / "own.svg"
    path = command.file("record.yaml", text)
    code, out = command.run("replay", "--record", path, "--plot", str(target))
    assert code == 0, command.err
    assert "gate own: 2 values" in out
    assert "rolled back 20s after its first traffic: gate own: QueryOutOfBounds" in out
    assert target.stat().st_size > 0


@pytest.mark.parametrize(
    ("errors", "before", "decision"),
    [(0.2, (), "rollback"), (0.0, (), "undecided"), (0.2, ("0.15",), "undecided")],
    ids=["bad", "healthy", "no worse than what was before"],
)
def test_a_probation_is_judged_by_its_own_errors(command, errors, before, decision):
    rates = tuple(GateRate(name="errors", rate=rate) for rate in before)
    found = [row for row in canary(errors) if row[2] == "new"]
    text = record(found, phase="Probation", rates=rates)
    last = replayed(command, text)[-1]
    assert (last["decision"], last["gate"]) == (decision, "errors")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("kind: Secret", "there is no ConfigMap in it"),
        ("kind: ConfigMap", "it is no flight record"),
        (record([]), "holds nothing that was read"),
    ],
)
def test_what_is_no_record_of_a_canary_is_refused(command, text, wrong):
    assert command.run("replay", "--record", command.file("record.yaml", text))[0] == 2
    assert wrong in command.err
