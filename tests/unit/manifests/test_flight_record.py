"""What a flight record holds, how large it gets, and that it reads back."""

import base64
import copy
import gzip
import json
import random
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from tests.support.manifests import full

from davylamp.api import names
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import Outcome, RevisionRef
from davylamp.api.status_parts import GateStatus, WeightChange
from davylamp.gates import ERRORS, LATENCY, QueryAnswers
from davylamp.gates.kinds.registry import CHANNELS
from davylamp.gates.recording.query_values import MOST_VALUES
from davylamp.gates.recording.store import Recording, noted, values_noted
from davylamp.gates.samples import Sample, Scrapes
from davylamp.manifests import Owner
from davylamp.manifests.flight_record import (
    MOST_BYTES,
    PLAIN_SIZE,
    Flight,
    flight_name,
    flight_record,
    read_flight_record,
)
from davylamp.schema.pseudonyms import pseudonym

OWNER = Owner("risk", "models", "uid-1")
AT = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
STABLE = RevisionRef(revision="1a2b3c4d5e", tag="v1", feature_snapshot="2026-10-01", seed=41)
CANDIDATE = RevisionRef(revision="9f8e7d6c5b", tag="v2", feature_snapshot="2026-11-01", seed=42)
PLAN = ModelDeploymentSpec.model_validate(full()["spec"]).rollout
GATE = GateStatus(
    name="errors",
    verdict="Fail",
    reason="ErrorRateWorse",
    message="12 of 90 canary requests failed",
    requests=90,
    errors=12,
    stable_requests=400,
    log10_e="2.31",
    effect="13.3 %",
    at=AT,
)
FLIGHT = Flight(
    operator="0.1.0",
    namespace="models",
    name="risk",
    candidate=CANDIDATE,
    stable=STABLE,
    started_at=AT - timedelta(minutes=5),
    canary_at=AT - timedelta(minutes=2, microseconds=7),
    ended_at=AT,
    outcome=Outcome.ROLLED_BACK,
    reason="GateFailed",
    message="v2 taken back (GateFailed)",
    weights=(WeightChange(weight=25, share="0.2000", at=AT - timedelta(minutes=2)),),
    scrape_interval=5.0,
    gates=(GATE,),
)


def kept(recording=None, flight=FLIGHT, plan=PLAN):
    return flight_record(OWNER, flight, recording, repository="registry.example/risk", plan=plan)


def recorded(scrapes, pods=4, parts=0, most=1000, channels=(ERRORS, LATENCY)):
    """Counters of pods that look like those of a real service: rising by chance."""
    chance = random.Random(1)
    recording = Recording()
    totals = [[0.0] * (parts + 1) for _ in range(pods)]
    for number in range(scrapes):
        at = 1.79e9 + number + round(chance.random() / 10, 3)
        sides = {"stable": {}, "candidate": {}}
        for i, total in enumerate(totals):
            for k in range(parts + 1):
                total[k] += chance.randrange(most)
            values = {pseudonym(f"part {k}"): total[k] for k in range(1, parts + 1)}
            side = sides["candidate" if i % 2 else "stable"]
            side[f"risk-9f8e7d6c5b-7d9c5b6f8-{i:05d}"] = (Sample(at, total[0], 0.0, values),)
        for channel in channels:
            bare = {
                arm: {pod: (Sample(s.time, s.requests),) for pod, (s,) in side.items()}
                for arm, side in sides.items()
            }
            shown = bare if channel is ERRORS else sides
            recording = noted(recording, channel, Scrapes(at, **shown))
    return recording


def sent(item):
    files = {**item["data"], **item.get("binaryData", {})}
    return sum(len(name) + len(text.encode()) for name, text in files.items())


def test_it_says_what_was_decided_and_on_what():
    said = json.loads(kept()["data"]["record.json"])
    assert said["format"] == 1
    assert (said["namespace"], said["name"], said["phase"]) == ("models", "risk", "Canary")
    assert (said["stable"]["revision"], said["candidate"]["tag"]) == ("1a2b3c4d5e", "v2")
    assert said["weights"] == [
        {"weight": 25, "share": "0.2000", "at": "2026-11-01T02:58:00.000000Z"}
    ]
    assert (said["outcome"], said["reason"]) == ("RolledBack", "GateFailed")
    assert (said["operator"], said["scrapeInterval"]) == ("0.1.0", 5.0)
    assert said["gates"][0] | {"at": 0} == {
        "name": "errors",
        "verdict": "Fail",
        "reason": "ErrorRateWorse",
        "message": "12 of 90 canary requests failed",
        "requests": 90,
        "errors": 12,
        "stableRequests": 400,
        "stableErrors": 0,
        "log10E": "2.31",
        "effect": "13.3 %",
        "at": 0,
    }


def test_it_belongs_to_the_model_and_is_found_by_its_component():
    metadata = kept()["metadata"]
    assert metadata["name"] == "risk-9f8e7d6c5b-flight"
    assert metadata["namespace"] == "models"
    assert metadata["ownerReferences"] == [OWNER.reference()]
    assert metadata["labels"]["app.kubernetes.io/component"] == "flight-record"
    assert metadata["labels"][names.LABEL_MODEL] == "risk"
    assert metadata["labels"][names.LABEL_REVISION] == "9f8e7d6c5b"


def test_it_is_not_among_what_is_watched():
    assert names.LABEL_MANAGED_BY not in kept()["metadata"]["labels"]


def test_a_probation_has_a_record_of_its_own():
    probation = FLIGHT.model_copy(update={"phase": "Probation", "stable": None})
    assert kept(flight=probation)["metadata"]["name"] == flight_name(
        OWNER, "9f8e7d6c5b", probation=True
    )
    assert flight_name(OWNER, "9f8e7d6c5b", probation=True) != flight_name(OWNER, "9f8e7d6c5b")
    alone = Scrapes(until=9.0, candidate={"risk-a": (Sample(5.0, 7.0, 1.0),)})
    again = read_flight_record(kept(noted(Recording(), ERRORS, alone), probation))
    assert again.flight == probation
    assert again.scrapes() == {
        ERRORS: Scrapes(until=5.0, candidate={"risk-a": [Sample(5.0, 7.0, 1.0)]})
    }


def test_the_settings_are_a_modeldeployment_that_is_accepted():
    manifest = yaml.safe_load(kept()["data"]["modeldeployment.yaml"])
    spec = ModelDeploymentSpec.model_validate(manifest["spec"])
    assert (manifest["kind"], manifest["metadata"]["name"]) == (names.KIND, "risk")
    assert (spec.image.repository, spec.image.tag) == ("registry.example/risk", "v2")
    assert (spec.feature_snapshot.id, spec.seed) == ("2026-11-01", 42)
    assert spec.rollout == PLAN


def test_a_setting_that_nobody_wrote_is_written_out():
    spec = ModelDeploymentSpec.model_validate(
        {"image": {"repository": "r", "tag": "v2"}, "featureSnapshot": {"id": "s"}, "seed": 1}
    )
    manifest = yaml.safe_load(kept(plan=spec.rollout)["data"]["modeldeployment.yaml"])
    assert manifest["spec"]["rollout"]["falseRollback"] == "1%"
    assert manifest["spec"]["rollout"]["gates"][0]["errorRate"]["max"] == "1%"


def test_the_models_environment_is_not_in_it():
    """Values of the full manifest's config and secrets, anywhere in the record."""
    spec = full()["spec"]
    text = json.dumps(kept(recorded(3)))
    told = [*spec["config"], *spec["config"].values(), *(s["name"] for s in spec["secrets"])]
    assert told
    assert not [word for word in told if len(word) > 2 and word in text]


def test_a_usual_record_is_plain_text_and_reads_back():
    recording = recorded(100)
    item = kept(recording)
    assert sorted(item["data"]) == [
        "counters.csv",
        "modeldeployment.yaml",
        "parts.csv",
        "record.json",
    ]
    assert "binaryData" not in item
    again = read_flight_record(json.loads(json.dumps(item)))
    assert again.flight == FLIGHT
    assert again.spec == item["data"]["modeldeployment.yaml"]
    assert samples_of(replayed(again)) == samples_of(recording)


def replayed(record):
    """What a recording is that was shown the samples of a record."""
    found = Recording()
    for channel, scrapes in record.scrapes().items():
        found = noted(found, channel, scrapes)
    return found


def samples_of(recording):
    return [(c, each) for c, recorded in recording.channels.items() for each in recorded.samples()]


def test_a_larger_one_is_packed_and_reads_back():
    recording = recorded(1000, parts=12)
    item = kept(recording)
    assert sorted(item["binaryData"]) == ["counters.csv.gz", "parts.csv.gz"]
    assert sorted(item["data"]) == ["modeldeployment.yaml", "record.json"]
    assert sent(item) <= MOST_BYTES
    text = gzip.decompress(base64.b64decode(item["binaryData"]["counters.csv.gz"])).decode()
    assert text.startswith("time,pod,revision,requests,errors\n")
    assert samples_of(replayed(read_flight_record(item))) == samples_of(recording)


def test_the_same_turn_gives_the_same_bytes():
    assert kept(recorded(1000, parts=12)) == kept(recorded(1000, parts=12))


def test_one_that_cannot_be_packed_enough_is_thinned():
    recording = recorded(400, pods=40, parts=40, most=10**9, channels=list(CHANNELS))
    item = kept(recording)
    again = read_flight_record(item)
    assert PLAIN_SIZE < sent(item) <= MOST_BYTES
    assert again.flight.left_out == ()
    assert 0 < replayed(again).samples < recording.samples
    ends = {each.key: each.sample for _, each in samples_of(recording)}
    assert {each.key: each.sample for _, each in samples_of(replayed(again))} == ends


def test_what_can_be_thinned_no_more_is_left_out_and_told():
    """Two samples of each of very many pods."""
    recording = recorded(2, pods=3_000, parts=40)
    item = kept(recording)
    again = read_flight_record(item)
    assert sent(item) <= MOST_BYTES
    assert again.flight.left_out == ("parts.csv",)
    assert again.counters
    assert not again.parts
    assert replayed(again).samples == 6_000


@pytest.mark.parametrize(
    ("more", "left_out"), [(-1, ()), (5, ("values.csv: the oldest values of gate own",))]
)
def test_values_that_were_let_go_are_told(more, left_out):
    answers = QueryAnswers(1e9, {float(at): 0.5 for at in range(MOST_VALUES + more)})
    again = read_flight_record(kept(values_noted(recorded(3), "own", answers)))
    assert again.flight == FLIGHT.model_copy(update={"left_out": left_out})
    assert len(again.answers()["own"].candidate) == min(MOST_VALUES + more, MOST_VALUES)


def test_without_samples_the_decision_is_kept():
    again = read_flight_record(kept(None))
    assert again.flight == FLIGHT
    assert again.scrapes() == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda item: item.pop("data"), "it is no flight record"),
        (lambda item: item["data"].update({"record.json": "{}"}), "record.json: operator"),
        (lambda item: item["data"].update({"record.json": "no"}), "record.json"),
        (
            lambda item: item["data"].update(
                {"record.json": item["data"]["record.json"].replace('"format": 1', '"format": 2')}
            ),
            "format 2 needs a newer davylamp",
        ),
        (lambda item: item["binaryData"].update({"counters.csv.gz": "?"}), "damaged"),
        (lambda item: item["binaryData"].update({"counters.csv.gz": "bm8="}), "damaged"),
        (
            lambda item: item["binaryData"].update(
                {"parts.csv.gz": base64.b64encode(gzip.compress(bytes(2**27))).decode()}
            ),
            "too large",
        ),
    ],
)
def test_what_is_no_record_is_refused(change, told):
    item = copy.deepcopy(LARGE)
    change(item)
    with pytest.raises(ValueError) as refused:
        read_flight_record(item)
    assert told in str(refused.value)


LARGE = kept(recorded(1000, parts=12))
