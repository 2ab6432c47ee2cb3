"""What the operator does with the toy kind, from its spec to a simulation; prints it as JSON.

Run by `test_toy_kind.py` on a copy of the operator that has the kind.
"""

import contextlib
import io
import json
import math
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from pydantic import ValidationError
from tests.support.nature import world_in
from tests.support.world import revision_of

from davylamp.__main__ import main
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.scrapes import read_scrapes
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.api.crd import custom_resource_definition
from davylamp.api.gates import ONE_KIND
from davylamp.api.identity import Owner
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import Outcome, RevisionRef
from davylamp.api.status_parts import WeightChange
from davylamp.controller.settings import Settings
from davylamp.gates import JudgementContext, Sample, Scrapes, judge_all, open_family, take_in
from davylamp.gates import ShareChange as Change
from davylamp.gates.forecast.forecast import forecast
from davylamp.gates.forecast.plan import Plan
from davylamp.gates.kinds.registry import REASONS, channel_named
from davylamp.gates.recording.store import Recording, noted
from davylamp.manifests.flight_record import Flight, flight_record
from davylamp.rollout.trials import trials_of

BEGAN = 1_767_268_800.0
EVERY = 5.0
READY = (frozenset({"new-1-aaaaa"}), frozenset({"old-1-bbbbb"}))
SPEC = """
apiVersion: davylamp.dev/v1alpha1
kind: ModelDeployment
metadata: {name: model, namespace: models}
spec:
  image: {repository: registry.example/model, tag: "1"}
  featureSnapshot: {id: "1"}
  seed: 1
  replicas: 4
  rollout:
    steps: [{weight: 50, hold: 1m}]
    gates: [{name: toys, toy: {maxBroken: "0.05"}}]
"""
TOYS = channel_named("toys")


def admitted(text):
    return ModelDeploymentSpec.model_validate(yaml.safe_load(text)["spec"])


def refusal(text):
    try:
        admitted(text)
    except ValidationError as wrong:
        return str(wrong)
    return ""


def matrix(pod, broken):
    """What Prometheus answers of a pod with 20 things a second, so many of 100 broken."""
    labels = {"__name__": "my_toys", "namespace": "models", "pod": pod}
    times = [BEGAN + EVERY * number for number in range(1, 13)]
    counts = {
        "true": [20.0 * broken / 100 * (at - BEGAN) for at in times],
        "false": [20.0 * (100 - broken) / 100 * (at - BEGAN) for at in times],
    }
    return [
        {
            "metric": {**labels, "crack": name},
            "values": [[at, str(value)] for at, value in zip(times, counts[name], strict=True)],
        }
        for name in counts
    ]


def scraped(broken):
    """Samples of both revisions, read from such an answer."""
    query = CounterQuery(
        workloads=frozenset({("models", "new"), ("models", "old")}),
        at=BEGAN + 60,
        window=60.0,
        channel=TOYS,
        series=SeriesNames(toy_metric="my_toys", toy_label="crack"),
    )
    pods = read_scrapes(query, [*matrix("new-1-aaaaa", broken), *matrix("old-1-bbbbb", 1)])
    sides = {pod: list(samples) for (_, pod), samples in pods.items()}
    new, old = ({pod: sides[pod]} for pod in ("new-1-aaaaa", "old-1-bbbbb"))
    return query, Scrapes(BEGAN + 60, old, new)


def judged(rollout, broken):
    trials = trials_of(
        rollout, started_at=BEGAN, weights=[Change(BEGAN, 0.5)], scrape_interval=EVERY
    )
    family = take_in(trials, open_family(trials), {TOYS: scraped(broken)[1]}, {})
    return judge_all(trials, family, JudgementContext(BEGAN + 61, *READY))["toys"]


def told_before(rollout):
    """The forecast from ten minutes of stable, as before a canary."""
    trials = trials_of(
        rollout, started_at=math.inf, weights=[Change(math.inf, 0.5)], scrape_interval=EVERY
    )
    samples = [
        Sample(BEGAN + EVERY * n, 100.0 * n, 0.0, {"all": 100.0 * n, "broken": 0.0})
        for n in range(120)
    ]
    scrapes = Scrapes(BEGAN + 600, {"old-1-bbbbb": samples})
    family = take_in(trials, open_family(trials), {TOYS: scrapes}, {})
    return forecast(trials["toys"], family.states["toys"], Plan([0.5], 7200.0)).message


def reported(rollout, answer):
    """The status while the gate answers, and after the decision."""
    world = world_in("Canary", rollout=rollout)
    world.answers[revision_of("v2")] = answer
    world.reconcile()
    status = world.status
    gates = status.candidate.gates if status.candidate else ()
    return [gate.message for gate in gates], [c.message for c in status.conditions]


def record(rollout, broken):
    ref = {"tag": "1", "feature_snapshot": "1", "seed": 1}
    at = datetime.fromtimestamp(BEGAN, UTC)
    flight = Flight(
        operator="0",
        namespace="models",
        name="model",
        candidate=RevisionRef(revision="new", **ref),
        stable=RevisionRef(revision="old", **ref),
        started_at=at - timedelta(minutes=1),
        canary_at=at,
        ended_at=at + timedelta(minutes=1),
        outcome=Outcome.ROLLED_BACK,
        reason="GateFailed",
        weights=(WeightChange(weight=50, share="0.5", at=at),),
        scrape_interval=EVERY,
    )
    recording = noted(Recording(), TOYS, scraped(broken)[1])
    owner = Owner("model", "models", uid="1")
    item = flight_record(
        owner, flight, recording, repository="registry.example/model", plan=rollout
    )
    return yaml.safe_dump(item)


def run(*arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(list(arguments))
    return code, [json.loads(line) for line in out.getvalue().splitlines() if line[:1] == "{"]


def replayed(rollout, broken, directory):
    path = directory / "record.yaml"
    path.write_text(record(rollout, broken), encoding="utf-8")
    return run("replay", "--json", "--record", str(path))


def simulated(directory):
    path = directory / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    options = ("--rps", "20", "--runs", "5", "--stable-errors", "1%")
    return run("simulate", "--json", *options, "--spec", str(path))


def told():
    directory = Path(sys.argv[1])
    rollout = admitted(SPEC).rollout
    worse, fine = judged(rollout, 20), judged(rollout, 1)
    during, _ = reported(rollout, fine)
    _, after = reported(rollout, worse)
    settings = Settings.from_environment({"DAVYLAMP_TOY_METRIC": "other_toys"})
    return {
        "crd": json.dumps(custom_resource_definition()),
        "kinds": ONE_KIND[1],
        "refusal": refusal(SPEC.replace('"0.05"', "most")),
        "twice": refusal(SPEC.replace("toy:", "errorRate: {}, toy:")),
        "setting": settings.metrics.series.metrics(TOYS),
        "promql": scraped(1)[0].text,
        "fail": [worse.verdict.value, worse.reason, worse.message],
        "pass": [fine.verdict.value, fine.reason, fine.message],
        "reasons": REASONS,
        "during": during,
        "after": after,
        "forecast": told_before(rollout),
        "replay": [replayed(rollout, broken, directory) for broken in (20, 1)],
        "simulation": simulated(directory),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(told()))
