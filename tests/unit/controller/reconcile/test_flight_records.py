"""What the gates saw is kept with each turn that had traffic, and nothing waits for it."""

import asyncio
import logging

import pytest
import yaml
from tests.support.fakecluster import Killed, Port, refusing
from tests.support.kubelets import Health
from tests.support.operation import QUICK, Land

from davylamp.adapters.errors import Conflict, Forbidden, NotLeader, Retryable, Terminal
from davylamp.api.names import Command
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import Candidate, identity
from davylamp.cli.replay.engine import replayed
from davylamp.cli.replay.input import past_attempt
from davylamp.cli.replay.sources.record import read_record
from davylamp.gates import ERRORS
from davylamp.gates.family import JudgementContext, judge_all, open_family, take_in
from davylamp.manifests.flight_record import LABEL_COMPONENT, read_flight_record
from davylamp.rollout.trials import canary_trials

PLAN = {**QUICK, "steps": [{"weight": 50, "hold": "5s"}], "probation": "10s"}


def is_record(write):
    return write.kind == "ConfigMap" and write.name.endswith("-flight")


def records(land):
    """Flight records by name."""
    found = land.cluster.find("ConfigMap")
    return {
        item["metadata"]["name"]: read_flight_record(item)
        for item in found
        if LABEL_COMPONENT in item["metadata"]["labels"]
    }


def named(land):
    """Tag, outcome and whether there is a record, newest first, as the status tells it."""
    return [(h.tag, h.outcome.value, h.recording is not None) for h in land.status().history]


def dangling(land):
    """What the status names and is not there, or is there and not named."""
    return {h.recording for h in land.status().history if h.recording} ^ records(land).keys()


def newest(land):
    return records(land)[land.status().history[0].recording]


def flight_passes(land):
    """Passes that wrote a record, as what they wrote first to last."""
    return [ws for ws in land.operator.passes if any(is_record(w) for w in ws)]


async def served(land=None, **rollout):
    land = land or Land()
    land.apply("v1", rollout={**PLAN, **rollout})
    await land.settle()
    return land


async def in_canary(land, tag="v2"):
    land.apply(tag)
    await land.until(lambda: (c := land.status().candidate) and c.stage == "Canary")
    await land.run(8)
    return land


async def bad(land, tag="v2"):
    land.prometheus.error_share[tag] = 0.3
    land.apply(tag)
    await land.settle()
    return land


async def test_a_rollback_keeps_what_was_seen():
    land = await bad(await served())
    record = newest(land)
    flight = record.flight
    assert (flight.candidate.tag, flight.stable.tag) == ("v2", "v1")
    assert (flight.outcome, flight.reason) == ("RolledBack", "GateFailed")
    assert flight.message.startswith("v2 rolled back (GateFailed): gate errors: ")
    assert flight.ended_at == land.status().history[0].at
    assert flight.started_at < flight.canary_at == flight.weights[0].at < flight.ended_at
    [gate] = flight.gates
    assert (gate.name, gate.verdict, gate.at) == ("errors", "Fail", flight.ended_at)
    assert gate.message in flight.message
    assert gate.errors > 0


async def test_the_samples_are_those_that_convicted():
    land = await bad(await served())
    record = newest(land)
    seen = record.scrapes()[ERRORS]
    assert len(seen.stable) == 4
    assert seen.candidate
    counted = sum(samples[-1].errors for samples in seen.candidate.values())
    assert counted == record.flight.gates[0].errors
    assert min(s[0].time for s in seen.stable.values()) < record.flight.canary_at.timestamp()


async def test_the_record_alone_leads_to_the_same_verdict():
    land = await bad(await served())
    record = newest(land)
    flight = record.flight
    spec = ModelDeploymentSpec.model_validate(yaml.safe_load(record.spec)["spec"])
    candidate = Candidate(
        **identity(flight.candidate),
        stage="Canary",
        started_at=flight.started_at,
        stage_at=flight.canary_at,
        canary_at=flight.canary_at,
        weights=flight.weights,
        plan=spec.rollout,
    )
    trials = canary_trials(candidate, flight.scrape_interval)
    seen = record.scrapes()
    family = take_in(trials, open_family(trials), seen, {})
    candidates, stables = seen[ERRORS].candidate, seen[ERRORS].stable
    around = JudgementContext(
        flight.ended_at.timestamp(), frozenset(candidates), frozenset(stables)
    )
    again = judge_all(trials, family, around)["errors"]
    assert again.verdict.value == "Fail"
    assert again.message == flight.gates[0].message
    assert f"{again.log10_rollback:.2f}" == flight.gates[0].log10_e


async def test_what_an_own_query_gave_is_kept_and_judged_again():
    query = {"promql": "vector(1)", "max": "5", "failures": 2, "interval": "5s", "warmUp": "0s"}
    land = await served(gates=[{"name": "own", "query": query}])
    land.prometheus.own = lambda _promql, _time: 7.0
    land.apply("v2", rollout={**PLAN, "gates": [{"name": "own", "query": query}]})
    await land.settle()
    record = newest(land)
    values = record.answers()["own"].candidate
    assert set(values.values()) == {7.0}
    outcome = judged_again(land)
    assert (outcome.decision, outcome.gate) == ("rollback", "own")
    began = record.flight.canary_at.timestamp()
    assert outcome.at == sorted(at for at in values if at > began)[1]
    assert outcome.judgement.message in record.flight.message


def judged_again(land):
    """The outcome of `davylamp replay` for the newest record."""
    name = land.status().history[0].recording
    found = next(i for i in land.cluster.find("ConfigMap") if i["metadata"]["name"] == name)
    rollout, measured = read_record("record", yaml.safe_dump(found))
    return replayed(past_attempt(rollout, measured)).outcome


async def test_the_fence_comes_before_the_record_and_the_record_before_the_status():
    land = await bad(await served())
    [taken] = flight_passes(land)
    kinds = [write.kind for write in taken]
    assert kinds[0] == "Service"
    assert kinds.index("Service") < kinds.index("ConfigMap") < kinds.index("ModelDeployment")


async def test_a_promotion_is_recorded_and_the_first_revision_is_not():
    land = await served()
    land.apply("v2")
    await land.settle()
    assert named(land) == [("v2", "Promoted", True), ("v1", "Promoted", False)]
    flight = newest(land).flight
    assert (flight.reason, flight.gates[0].verdict) == ("Promoted", "Pass")
    assert flight.message.startswith("v2 serves all traffic")


async def test_what_never_had_traffic_has_no_record():
    land = await served()
    land.kubelets.health["v2"] = Health.CRASHES
    land.apply("v2")
    await land.settle()
    assert named(land)[0] == ("v2", "RolledBack", False)
    assert records(land) == {}


async def test_an_abort_and_a_newer_revision_end_a_turn_that_is_recorded():
    land = await in_canary(await served())
    land.say(Command.ABORT, land.status().candidate.revision)
    await land.tick()
    await in_canary(land, "v3")
    land.apply("v4")
    await land.settle()
    outcomes = [("v4", "Promoted", True), ("v3", "Superseded", True), ("v2", "Aborted", True)]
    assert named(land)[:3] == outcomes
    assert {r.flight.outcome.value for r in records(land).values()} == {o for _, o, _ in outcomes}


async def test_a_promoted_revision_that_is_taken_back_keeps_both_its_records():
    land = await served(probation="5m")
    land.apply("v2")
    await land.until(lambda: land.stable() == "v2")
    land.prometheus.error_share["v2"] = 0.3
    await land.settle()
    assert named(land)[:2] == [("v2", "RolledBack", True), ("v2", "Promoted", True)]
    found = [records(land)[h.recording].flight for h in land.status().history[:2]]
    assert [flight.phase for flight in found] == ["Probation", "Canary"]
    assert found[0].stable is None
    assert found[0].gates[0].verdict == "Fail"
    assert found[1].outcome == "Promoted"
    outcome = judged_again(land)
    assert (outcome.decision, outcome.gate) == ("rollback", "errors")
    assert outcome.judgement.message == found[0].gates[0].message


async def test_the_same_revision_again_takes_the_place_of_its_record():
    land = await bad(await served())
    first = newest(land).flight
    land.say(Command.RETRY, first.candidate.revision)
    await land.settle()
    assert named(land)[:2] == [("v2", "RolledBack", True), ("v2", "RolledBack", False)]
    assert newest(land).flight.ended_at > first.ended_at
    assert len(records(land)) == 1


async def test_as_many_are_kept_as_the_history_says():
    land = await served(history=2)
    for tag in ("v2", "v3", "v4", "v5"):
        if tag in {"v2", "v4"}:
            land.prometheus.error_share[tag] = 0.3
        land.apply(tag)
        await land.settle()
        assert not dangling(land)
    assert {r.flight.candidate.tag for r in records(land).values()} == {"v4", "v5"}
    assert named(land)[:4] == [
        ("v5", "Promoted", True),
        ("v4", "RolledBack", True),
        ("v3", "Promoted", False),
        ("v2", "RolledBack", False),
    ]


async def test_a_record_is_nobodys_news():
    land = await bad(await served())
    name = land.status().history[0].recording
    [revision] = [h.revision for h in land.status().history[:1]]
    await land.run(20)
    passes, writes = len(land.operator.passes), len(land.cluster.writes)
    land.cluster.edit("ConfigMap", name, lambda item: item["data"].clear())
    land.restart()
    await land.run(20)
    assert len(land.cluster.writes) == writes
    assert len(land.operator.passes) < passes
    assert land.cluster.one("ConfigMap", name)["data"] == {}
    assert land.operator.cache.child(("models", "risk"), "ConfigMap", name) is None
    assert land.operator.cache.child(("models", "risk"), "ConfigMap", f"risk-{revision}")


async def test_without_gates_the_decision_alone_is_kept():
    land = await served(gates=[])
    land.apply("v2")
    await land.settle()
    record = newest(land)
    assert (record.flight.gates, record.scrapes()) == ((), {})
    assert record.flight.outcome == "Promoted"


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("403 exceeded quota"),
        Conflict("409"),
        Retryable("no answer"),
        Terminal("RequestEntityTooLarge", "413"),
        RuntimeError("a defect"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_record_that_cannot_be_written_holds_nothing_up(error, caplog):
    caplog.set_level(logging.WARNING)
    land = await served()

    def fault(write):
        if is_record(write):
            raise error

    land.cluster.before.append(fault)
    await bad(land)
    [taken] = flight_passes(land)
    kinds = [w.kind for w in taken if not is_record(w)]
    assert list(dict.fromkeys(kinds))[:3] == ["Service", "ModelDeployment", "Event"]
    assert named(land)[0] == ("v2", "RolledBack", False)
    assert land.serving() == {"v1"}
    assert records(land) == {}
    assert [r for r in caplog.records if "what the gates saw is not recorded" in r.getMessage()]


async def test_a_record_that_takes_too_long_holds_nothing_up(monkeypatch, caplog):
    land = await served(Land(patience=0.02))
    apply = Port.apply

    async def hanging(port, manifest, *, force=True):
        if manifest["metadata"]["name"].endswith("-flight"):
            await asyncio.Event().wait()
        return await apply(port, manifest, force=force)

    monkeypatch.setattr(Port, "apply", hanging)
    await bad(land)
    assert named(land)[0] == ("v2", "RolledBack", False)
    assert "what the gates saw is not recorded: it took too long" in caplog.text


async def test_somebody_elses_object_of_that_name_is_left_alone(caplog):
    land = await in_canary(await served())
    name = f"risk-{land.status().candidate.revision}-flight"
    metadata = {"name": name, "namespace": "models"}
    land.cluster.put(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}
    )
    await land.settle()
    assert named(land)[0] == ("v2", "Promoted", False)
    assert land.cluster.one("ConfigMap", name)["data"] == {"a": "b"}
    assert "is not ours" in caplog.text


async def test_old_records_that_cannot_be_deleted_are_tried_again_at_the_next_end(caplog):
    land = await served(history=1)
    land.apply("v2")
    await land.settle()

    def fault(write):
        if is_record(write) and write.verb == "delete":
            raise Forbidden("403")

    land.cluster.before.append(fault)
    land.apply("v3")
    await land.settle()
    assert len(records(land)) == 2
    assert not dangling(land)
    assert "old records are not deleted: 403" in caplog.text
    land.cluster.before.remove(fault)
    land.apply("v4")
    await land.settle()
    assert {r.flight.candidate.tag for r in records(land).values()} == {"v4"}
    assert not dangling(land)


async def test_records_go_when_the_model_goes():
    land = await bad(await served())
    address = next(a for a in land.cluster.objects if a.kind == "ModelDeployment")
    land.cluster.drop(address)
    assert not [a for a in land.cluster.objects if a.name.endswith("-flight")]


async def story(land):
    """Two turns that are recorded, of which one record is kept."""
    land.prometheus.error_share["v2"] = 0.3
    for tag in ("v1", "v2", "v3"):
        land.apply(tag, rollout={**PLAN, "history": 1})
        await land.settle()
    return land


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "error", [Killed(), Retryable("500"), Conflict("409")], ids=["killed", "500", "409"]
)
async def test_p5_a_fault_at_any_write_of_a_record_changes_nothing_in_the_end(when, error):
    undisturbed = await story(Land())
    numbers = [w.number for w in undisturbed.cluster.writes if is_record(w)]
    assert len(numbers) == 3
    for number in numbers:
        land = Land()
        getattr(land.cluster, when).append(refusing(number, error))
        await story(land)
        assert land.end() == undisturbed.end()
        assert not dangling(land)


async def test_a_process_that_lost_its_lease_asks_once():
    land = await served()
    asked = []

    def fault(write):
        if is_record(write):
            asked.append(write)
            raise NotLeader("no lease")

    land.cluster.before.append(fault)
    await bad(land)
    assert len(asked) == 1
