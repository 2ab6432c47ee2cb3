import asyncio
import re
from dataclasses import replace

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.support.modelprocess import ROW

from diabetes_model.manifest import Manifest
from diabetes_model.server import faults, logs
from diabetes_model.server.app import create_app, observed
from diabetes_model.server.service import Service
from diabetes_model.server.settings import Faults, Settings


def client(directory, **environment):
    return TestClient(create_app(Settings.read({"MODEL_DIRECTORY": str(directory), **environment})))


@pytest.fixture
def server(good):
    return client(good, DAVYLAMP_REVISION="4be2c0ffee", DAVYLAMP_MODEL="risk")


@pytest.fixture
def bad_server(bad):
    return client(bad, DAVYLAMP_REVISION="9a01deadbe")


def count(server, **labels):
    names = "".join(f'(?=.*{name}="{value}")' for name, value in labels.items())
    found = re.search(
        rf"^model_requests_total{{{names}.*}} (.*)$", server.get("/metrics").text, re.MULTILINE
    )
    return float(found[1]) if found else None


def test_golden_requests_come_back_with_their_predictions(server, good):
    golden = Manifest.read(good).golden
    answer = server.post("/predict", json={"rows": [dict(g.request.rows[0]) for g in golden]})
    assert answer.status_code == 200
    assert answer.json()["predictions"] == pytest.approx(
        [g.predictions[0] for g in golden], abs=1e-9
    )


def test_every_answer_says_who_answered(server):
    assert server.post("/predict", json={"rows": [ROW]}).json()["revision"] == "4be2c0ffee"
    for answer in (
        server.get("/healthz"),
        server.post("/predict", json={}),
        server.get("/nowhere"),
    ):
        assert answer.headers["x-model-revision"] == "4be2c0ffee"
        assert answer.headers["x-model-tag"] == "v1-test"


def test_the_tag_is_the_deployed_one_where_there_is_one(good):
    server = client(good, DAVYLAMP_IMAGE_TAG="3f2c1ab")
    assert server.get("/healthz").headers["x-model-tag"] == "3f2c1ab"
    assert server.post("/predict", json={"rows": [ROW]}).json()["tag"] == "3f2c1ab"


@pytest.mark.parametrize("row", [ROW, ROW | {"bp": None, "s6": None}])
def test_explanations_add_up_to_the_prediction(server, row):
    prediction = server.post("/predict", json={"rows": [row]}).json()["predictions"][0]
    explanation = server.post("/explain", json={"rows": [row]}).json()["explanations"][0]
    total = explanation["baseline"] + sum(explanation["contributions"].values())
    assert explanation["prediction"] == prediction
    assert total == pytest.approx(prediction, abs=1e-9)
    assert len(explanation["contributions"]) == 10


@pytest.mark.parametrize("route", ["/predict", "/explain"])
@pytest.mark.parametrize("row", [ROW | {"bp": None}, {k: v for k, v in ROW.items() if k != "bp"}])
def test_a_missing_measurement_is_served_by_the_good_model_and_breaks_the_bad_one(
    server, bad_server, route, row
):
    assert server.post(route, json={"rows": [row]}).status_code == 200
    answer = bad_server.post(route, json={"rows": [row]})
    assert answer.status_code == 500
    assert "lacks bp" in answer.json()["error"]
    assert answer.headers["x-model-revision"] == "9a01deadbe"
    assert count(bad_server, route=route[1:], code="500") == 1
    assert bad_server.post(route, json={"rows": [ROW]}).status_code == 200


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (ROW | {"weight": 80}, "weight"),
        (ROW | {"bmi": "32.1"}, "bmi"),
        (ROW | {"sex": True}, "sex"),
        (ROW | {"age": None}, "age"),
        (ROW | {"s1": 1e9}, "s1"),
        ({k: v for k, v in ROW.items() if k != "s5"}, "s5"),
    ],
)
def test_a_row_that_breaks_the_contract_is_a_422_that_names_the_field(server, row, field):
    answer = server.post("/predict", json={"rows": [ROW, row]})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(f"rows.1.{field}: ")
    assert answer.json()["detail"][0]["loc"] == ["body", "rows", 1, field]
    assert count(server, route="predict", code="422") == 1
    assert count(server, route="predict", code="500") == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "body: Invalid JSON: EOF"),
        ("not json", "body: Invalid JSON: "),
        ('{"rows": []}', "rows: List should have at least 1 item"),
        ('{"rows": 3}', "rows: Input should be a valid array"),
        ('{"rows": [{"age": NaN}]}', "rows.0.age: Input should be a finite number (and 7 more)"),
        ("[]", "body: Input should be an object"),
    ],
)
def test_a_body_that_is_no_batch_is_a_422(server, body, said):
    answer = server.post("/predict", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(said)


def test_many_problems_are_counted_and_only_some_listed(server):
    answer = server.post("/explain", json={"rows": [ROW | {"bmi": 1000}] * 100}).json()
    assert answer["error"].endswith("less than or equal to 80 (and 99 more)")
    assert len(answer["detail"]) == 20


def test_a_body_larger_than_any_valid_one_is_refused_before_it_is_read_to_its_end(server):
    sent = []

    def pieces():
        for number in range(100):
            sent.append(number)
            yield b" " * 2**20

    answer = server.post("/predict", content=pieces())
    assert answer.status_code == 413
    assert answer.json() == {"error": "body: more than 2097152 bytes"}
    assert count(server, route="predict", code="413") == 1


def test_what_is_nowhere_is_an_error_in_the_form_of_all_others(server):
    assert server.get("/nowhere").json() == {"error": "Not Found"}
    assert server.get("/predict").status_code == 405
    assert server.get("/predict").json() == {"error": "Method Not Allowed"}


def test_success_and_failure_are_counted_from_zero_by_route_and_revision(server):
    for route in ("predict", "explain"):
        for code in ("200", "500"):
            labels = {"model": "risk", "revision": "4be2c0ffee", "route": route, "code": code}
            assert count(server, **labels) == 0
    server.post("/predict", json={"rows": [ROW, ROW]})
    assert count(server, route="predict", code="200") == 1
    metrics = server.get("/metrics").text
    assert (
        'model_request_seconds_count{model="risk",revision="4be2c0ffee",route="predict"} 1'
        in metrics
    )
    assert re.search(r'^model_info{.*snapshot="2026-11-01".*} 1.0$', metrics, re.MULTILINE)


def test_probes_and_manifest_answer(server, good):
    assert server.get("/healthz").status_code == 200
    assert server.get("/readyz").json() == {"ready": True}
    assert server.get("/manifest").json() == Manifest.read(good).document()


def test_a_fault_rate_fails_that_share_of_predictions_only(good):
    server = client(good, FAULT_ERROR_RATE="1")
    assert server.post("/predict", json={"rows": [ROW]}).status_code == 500
    assert server.post("/explain", json={"rows": [ROW]}).status_code == 200
    player = faults.FaultPlayer(Faults(error_rate=0.2), 0.0, chance=iter([0.1, 0.3]).__next__)
    with pytest.raises(faults.InjectedError):
        player.maybe_fail()
    player.maybe_fail()


def test_shift_faults_change_what_is_answered_and_nothing_else(good, server):
    prediction = server.post("/predict", json={"rows": [ROW]}).json()["predictions"][0]
    explanation = server.post("/explain", json={"rows": [ROW]}).json()["explanations"][0]
    faulty = client(good, FAULT_PREDICTION_SHIFT="0.001", FAULT_EXPLANATION_SHIFT="0.5")
    assert faulty.get("/readyz").json() == {"ready": True}
    assert faulty.post("/predict", json={"rows": [ROW]}).json()["predictions"] == [
        prediction + 0.001
    ]
    told = faulty.post("/explain", json={"rows": [ROW]}).json()["explanations"][0]
    assert told["contributions"].pop("age") == explanation["contributions"].pop("age") + 0.5
    assert told == explanation


def test_shift_faults_show_in_what_is_counted(good):
    row = ROW | {"bp": 101}
    plain, faulty = (
        client(good, **environment)
        for environment in (
            {},
            {"FAULT_PREDICTION_SHIFT": "1000", "FAULT_EXPLANATION_SHIFT": "1000"},
        )
    )
    for server in (plain, faulty):
        assert server.post("/predict", json={"rows": [row]}).status_code == 200
    assert sample(plain, "model_prediction_score_bucket", le="350.0") == 1
    assert sample(faulty, "model_prediction_score_bucket", le="350.0") == 0
    assert sample(faulty, "model_prediction_score_bucket", le="+Inf") == 1
    assert sample(plain, "model_explanation_share_sum", feature="age") < 0.5
    assert sample(faulty, "model_explanation_share_sum", feature="age") > 0.8


def sample(server, name, **labels):
    """The one sample with these labels."""
    families = text_string_to_metric_families(server.get("/metrics").text)
    found = [
        each.value
        for family in families
        for each in family.samples
        if each.name == name and labels.items() <= each.labels.items()
    ]
    assert len(found) == 1, found
    return found[0]


def test_a_late_answer_holds_up_no_other(good):
    """The one that is asked first is late; how late it was is in the histogram."""
    late = Faults(latency=0.1, latency_share=0.5)
    player = faults.FaultPlayer(late, 0.0, chance=iter([0.0, 0.9]).__next__)
    service = replace(Service.of(Settings.read({"MODEL_DIRECTORY": str(good)})), faults=player)
    ended = []

    async def asked(name, server):
        answer = await server.post("/predict", json={"rows": [ROW]})
        ended.append((name, answer.status_code))

    async def both():
        transport = httpx2.ASGITransport(observed(service))
        async with httpx2.AsyncClient(transport=transport, base_url="http://model") as server:
            await asyncio.gather(asked("late", server), asked("prompt", server))

    asyncio.run(both())
    assert ended == [("prompt", 200), ("late", 200)]
    server = TestClient(observed(service))
    predict = {"route": "predict"}
    assert sample(server, "model_request_seconds_bucket", le="0.1", **predict) == 1
    assert sample(server, "model_request_seconds_bucket", le="+Inf", **predict) == 2


@pytest.mark.parametrize(
    ("asked", "drawn", "late"),
    [
        (Faults(), 0.0, 0.0),
        (Faults(latency=0.2), 0.99, 0.2),
        (Faults(latency=0.2, latency_share=0.5), 0.4, 0.2),
        (Faults(latency=0.2, latency_share=0.5), 0.6, 0.0),
    ],
)
def test_the_asked_share_of_answers_is_late(asked, drawn, late):
    assert faults.FaultPlayer(asked, 0.0, chance=lambda: drawn).lateness() == late


def test_every_family_that_a_gate_reads_is_there_before_the_first_request(server):
    told = {
        (each.name, each.value)
        for family in text_string_to_metric_families(server.get("/metrics").text)
        for each in family.samples
    }
    for name in (
        "model_requests_total",
        "model_request_seconds_bucket",
        "model_prediction_score_bucket",
        "model_explanation_share_sum",
        "model_explanation_share_count",
        "model_group_requests_total",
        "model_group_predictions_total",
    ):
        assert {value for sample, value in told if sample == name} == {0.0}, name


@pytest.mark.parametrize(
    ("asked", "age", "ready"),
    [
        (Faults(), 0, True),
        (Faults(never_ready=True), 100, False),
        (Faults(start_delay=5), 4.9, False),
        (Faults(start_delay=5), 5, True),
        (Faults(unready_after=10), 9.9, True),
        (Faults(unready_after=10), 10, False),
    ],
)
def test_readiness_faults_follow_the_clock(asked, age, ready):
    assert faults.FaultPlayer(asked, 1000.0, clock=lambda: 1000.0 + age).ready() is ready


def test_failures_are_logged_once_per_period_and_counted(caplog):
    now = iter([0.0, 1.0, 2.0, 5.0])
    log = logs.FailureLog(every=5.0, clock=now.__next__)
    for number in range(4):
        log.failed("predict", ValueError(f"number {number}"))
    assert [record.getMessage() for record in caplog.records] == [
        "predict failed: ValueError: number 0 (0 more failures since the last line)",
        "predict failed: ValueError: number 3 (2 more failures since the last line)",
    ]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PORT": "http"}, "PORT is 'http', it has to be a number"),
        ({"RECENT_ROWS": "1.5"}, "RECENT_ROWS is '1.5', it has to be a whole number from 0 on"),
        ({"FAULT_ERROR_RATE": "nan"}, "FAULT_ERROR_RATE is 'nan', it has to be a number"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'LOUD', it has to be a level like DEBUG or WARNING"),
    ],
)
def test_a_wrong_setting_is_named(environment, said):
    with pytest.raises(ValueError) as caught:
        Settings.read(environment)
    assert str(caught.value) == said


def test_a_deployment_that_differs_from_the_manifest_is_said(good, caplog):
    client(good, DAVYLAMP_SEED="7", DAVYLAMP_FEATURE_SNAPSHOT="2026-11-01")
    assert [r.getMessage() for r in caplog.records] == ["deployed with seed 7, trained with 42"]
