"""The scale bench's own arithmetic: what is counted, and what the stand-in for Prometheus answers."""

import json
from collections import Counter

import pytest
from bench.scale.copies import Copies
from bench.scale.fleet import MODELS, Fleet, model
from bench.scale.measure import Reading, cost
from bench.scale.prometheus import answer

from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.scrapes import read_scrapes
from davylamp.api.spec import ModelDeploymentSpec

POD = "model-1-8d9b9b4a05-bd598f478-b4s4b"


def reading(at: float, cpu: float, **requests: float) -> Reading:
    counted = Counter({("update_status", "ModelDeployment"): requests["status"]})
    counted["watch", "Pod"] = requests.get("watches", 0)
    return Reading(at, cpu, passes=requests["status"] * 2, requests=counted)


def test_costs_are_told_by_the_minute():
    spent = cost(reading(0, 1, status=5), reading(30, 3, status=20, watches=1), 100)
    assert spent.cpu_per_minute == 4
    assert spent.requests() == spent.requests("update_status") == 30
    assert spent.requests("watch") == 2
    assert spent.passes_per_minute == 60


def test_the_operator_reads_the_counters_of_the_stand_in():
    asked = CounterQuery(
        workloads=frozenset({("models", "model-1-8d9b9b4a05")}), at=1000, window=60
    )
    told = answer(asked.text, 1000, {POD: 900.0, "model-2-8d9b9b4a05-bd598f478-b4s4b": 900.0})
    (samples,) = read_scrapes(asked, told["data"]["result"]).values()
    assert len(samples) == 12
    assert samples[-1].time <= 1000
    assert samples[-1].requests - samples[0].requests == pytest.approx(55 * 20, abs=3)
    assert samples[-1].errors > 0


def test_every_model_is_one_that_the_operator_follows():
    spec = ModelDeploymentSpec.model_validate(model(3, replicas=2)["spec"])
    assert spec.replicas == 2
    assert [gate.name for gate in spec.rollout.gates] == ["errors"]


def test_states_are_counted_from_the_statuses():
    gates = [{"name": "errors", "requests": 7}]
    statuses = [
        {},
        {"stable": {"revision": "1"}},
        {"stable": {"revision": "1"}, "candidate": {"stage": "Canary", "gates": gates}},
    ]

    class Stored:
        def items(self, path: str) -> list[dict]:
            assert path == MODELS
            return [{"status": status} for status in statuses]

    fleet = Fleet(Stored())
    assert (fleet.serving(), fleet.rolling_out(), fleet.judged()) == (2, 1, 1)
    assert (fleet.in_stage("Canary"), fleet.in_stage("Preparing")) == (1, 0)


def test_copies_of_a_model_differ_in_name_and_uid_only():
    uid = "8d9b9b4a-05bd-598f-478b-4s4b00000000"
    meta = {"name": "model-7", "uid": uid}
    owned = {"name": "model-7-8d9b", "ownerReferences": [{"name": "model-7", "uid": uid}]}
    objects = [{"kind": "ModelDeployment", "metadata": meta}, {"kind": "Pod", "metadata": owned}]
    copies = Copies.of(objects, 3)
    first, after = copies.page("Pod", 0, 2)
    last, end = copies.page("Pod", after, 2)
    pods = [*json.loads(first), *json.loads(last)]
    assert (after, end, len(pods)) == (2, 3, 3)
    assert pods[2]["metadata"]["name"] == "copy-000002-8d9b"
    assert pods[2]["metadata"]["ownerReferences"][0]["uid"] == f"{uid[:-6]}000002"
    assert copies.page("Job", 0, 2) == ("[]", 2)
