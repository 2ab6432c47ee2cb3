"""A flight record, as kubectl prints it, is all that a replay needs."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from tests.unit.cli.conftest import canary, spec

from davylamp.api.gates import Gate
from davylamp.api.identity import Owner
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Outcome, RevisionRef
from davylamp.api.status_parts import GateRate, WeightChange
from davylamp.gates import ERRORS, LATENCY, QueryAnswers, Sample, Scrapes
from davylamp.gates.kinds.error_rate import ErrorRateSpec
from davylamp.gates.kinds.latency import LatencySpec
from davylamp.gates.kinds.query import QuerySpec
from davylamp.gates.recording.query_values import MOST_VALUES
from davylamp.gates.recording.store import Recording, noted, values_noted
from davylamp.manifests.flight_record import Flight, flight_record

BEGAN = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
OWNER = Owner("model", "models", uid="1")
PLAN = Rollout(
    steps=(Step(weight=50, hold="1m"),),
    gates=(
        Gate(name="errors", error_rate=ErrorRateSpec()),
        Gate(name="slow", latency=LatencySpec(over="250ms", warm_up="0s")),
    ),
)


def flight(**more):
    ref = {"tag": "1", "feature_snapshot": "1", "seed": 1}
    told = {"weights": (WeightChange(weight=50, share="0.3333", at=BEGAN),), "scrape_interval": 5.0}
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
        **{**told, **more},
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


def record(found, *, slow=False, own=(), stable=2.0, gates=PLAN.gates, **more):
    """Of a canary; `own` are values of the query of gate `own`, every 10 s, beside stable's."""
    recording = noted(Recording(), ERRORS, sides(found, counted))
    recording = noted(recording, LATENCY, sides(found, timed(slow)))
    if own:
        recording = values_noted(recording, "own", answers(own, stable))
    plan = PLAN.model_copy(update={"gates": gates})
    item = flight_record(
        OWNER, flight(**more), recording, repository="registry.example/model", plan=plan
    )
    return yaml.safe_dump(item)


def answers(own, stable):
    times = [BEGAN.timestamp() + 10.0 * number for number in range(1, len(own) + 1)]
    beside = {} if stable is None else dict.fromkeys(times, stable)
    return QueryAnswers(times[-1], dict(zip(times, own, strict=True)), beside)


def own_gate(**told):
    query = {"promql": "up", "interval": "10s", "warm_up": "0s", **told}
    return Gate(name="own", query=QuerySpec(**query))


def replayed(command, text, *more):
    path = command.file("record.yaml", text)
    code, out = command.run("replay", "--json", "--record", path, *more)
    assert code == 0, command.err
    return [json.loads(line) for line in out.splitlines()]


def refused(command, text, *more):
    path = command.file("record.yaml", text)
    assert command.run("replay", "--record", path, *more) == (2, "")
    return command.err


def test_a_record_says_when_and_why_the_canary_was_rolled_back(command):
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


LAX = Gate(name="errors", error_rate=ErrorRateSpec(max="50%"))


def with_gates(command, *gates):
    """A file of a ModelDeployment with these gates."""
    told = [gate.model_dump(mode="json", by_alias=True, exclude_none=True) for gate in gates]
    return command.file("other.yaml", spec(json.dumps(told)))


def test_other_bounds_of_an_own_query_may_be_tried(command):
    gates = (LAX, own_gate(max="5", failures=1))
    text = record(canary(0.0), own=[9.0] * 30, stable=None, gates=gates)
    assert replayed(command, text)[-1]["decision"] == "rollback"
    lax = with_gates(command, LAX, own_gate(max="10"))
    *looks, last = replayed(command, text, "--spec", lax)
    assert last["decision"] == "promote"
    assert "own" in {look["gate"] for look in looks}
    assert command.err == ""


@pytest.mark.parametrize("other", [{"promql": "down"}, {"interval": "20s"}])
def test_values_of_another_query_decide_nothing(command, other):
    gates = (LAX, own_gate(max="5", failures=1))
    text = record(canary(0.0), own=[9.0] * 30, gates=gates)
    other = with_gates(command, LAX, own_gate(max="5", failures=1, **other))
    looks = replayed(command, text, "--spec", other)
    assert looks[-1]["decision"] == "promote"
    assert {look["gate"] for look in looks} == {"errors"}
    assert "ignored, because these samples cannot decide them: gate own\n" in command.err


@pytest.mark.parametrize(("stable", "out"), [(2.0, ""), (None, "gate own")])
def test_a_ratio_needs_the_values_of_stable(command, stable, out):
    gates = (LAX, own_gate(max="50"))
    text = record(canary(0.0), own=[9.0] * 30, stable=stable, gates=gates)
    with_ratio = own_gate(max="5", ratio="2", failures=1)
    last = replayed(command, text, "--spec", with_gates(command, LAX, with_ratio))[-1]
    assert last["decision"] == ("promote" if out else "rollback")
    assert out in command.err
    assert bool(out) == bool(command.err)


def test_an_own_query_without_values_is_left_out(command):
    gates = (LAX, own_gate(max="5"), Gate(name="mute", query=own_gate(max="5").query))
    last = replayed(command, record(canary(0.0), own=[1.0] * 30, gates=gates))[-1]
    assert last["decision"] == "promote"
    assert "gate mute\n" in command.err
    assert replayed(command, record(canary(0.0), gates=gates))[-1]["decision"] == "promote"
    assert "gate own, mute\n" in command.err


def test_values_are_not_taken_for_a_gate_of_another_kind(command):
    text = record(canary(0.2), own=[1.0, 1.0], gates=(own_gate(max="5"),))
    other = command.file("other.yaml", spec("[{name: own, errorRate: {}}]"))
    last = replayed(command, text, "--spec", other)[-1]
    assert (last["decision"], last["reason"]) == ("rollback", "ErrorRateWorse")


def test_a_ratio_is_not_asked_for_in_a_probation(command):
    gates = (own_gate(max="5", ratio="2", failures=1),)
    text = record([], own=[9.0], stable=None, gates=gates, phase="Probation")
    last = replayed(command, text)[-1]
    assert (last["decision"], last["gate"]) == ("rollback", "own")


def test_an_own_query_that_only_warns_keeps_nobody_waiting(command):
    warns = Gate(name="own", on_fail="Warn", query=own_gate(max="5").query)
    alone = replayed(command, record(canary(0.0), gates=(LAX,)))[-1]
    text = record(canary(0.0), own=[1.0] * 30, gates=(LAX, warns))
    last = replayed(command, text)[-1]
    assert last["decision"] == alone["decision"] == "promote"
    assert last["at"] == alone["at"]


def test_gates_that_a_probation_does_not_judge_are_named(command):
    kinds = {"latency": LatencySpec(over="250ms")}
    gates = (
        PLAN.gates[0],
        Gate(name="slower", latency=LatencySpec()),
        Gate(name="warns", on_fail="Warn", **kinds),
        Gate(name="pauses", on_fail="Pause", **kinds),
    )
    found = [row for row in canary(0.2) if row[2] == "new"]
    text = record(found, gates=gates, phase="Probation")
    assert replayed(command, text)[-1]["decision"] == "rollback"
    ignored = "ignored, because a probation with these samples cannot decide them: gate "
    assert command.err == f"davylamp replay: {ignored}slower, warns, pauses\n"


def test_without_counters_of_errors_nothing_stands_in(command):
    text = record([], own=[1.0], gates=(own_gate(max="5"),))
    slow = command.file("slow.yaml", spec("[{name: slow, latency: {}}, {name: far, bias: {}}]"))
    err = refused(command, text, "--spec", slow)
    assert "no gate can be judged from what was recorded: slow, far" in err
    assert "default" not in err


def test_a_start_that_neither_the_record_nor_errors_tell_is_asked_for(command):
    gates = (own_gate(max="5", failures=1),)
    text = record([], own=[9.0], gates=gates, weights=(), scrape_interval=0.0)
    assert "missing: --weights, --scrape-interval: " in refused(command, text)
    began = f"{BEGAN.timestamp()}:50"
    err = refused(command, text, "--weights", began)
    assert "missing: --scrape-interval: " in err
    told = ("--weights", began, "--scrape-interval", "5s")
    assert replayed(command, text, *told)[-1]["decision"] == "rollback"


def test_counters_of_stable_alone_do_not_tell_the_start(command):
    found = [row for row in canary(0.0) if row[2] == "old"]
    assert "missing: --weights: " in refused(command, record(found, weights=()))


def test_a_start_after_the_last_sample_is_not_blamed_on_options_that_nobody_gave(command):
    late = (WeightChange(weight=50, share="0.5", at=BEGAN + timedelta(hours=1)),)
    err = refused(command, record(canary(0.2), weights=late))
    assert "is not after the canary's start" in err
    assert "--weights can give another start, on the clock of the samples" in err


def test_what_the_record_lacks_is_named(command):
    gates = (LAX, own_gate(max="5"))
    replayed(command, record(canary(0.0), own=[1.0] * MOST_VALUES, gates=gates))
    lacks = "the record lacks: values.csv: the oldest values of gate own"
    assert command.err == f"davylamp replay: {lacks}\n"


def test_a_record_of_user_queries_alone_is_judged_and_drawn(command, tmp_path):
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
        ("kind: Secret", "no ConfigMap in this file"),
        ("kind: ConfigMap", "it is no flight record"),
        (record([]), "the record has no measurements of the pods"),
    ],
)
def test_other_files_than_the_record_of_a_canary_are_refused(command, text, wrong):
    assert command.run("replay", "--record", command.file("record.yaml", text))[0] == 2
    assert wrong in command.err
