"""The serving bench: what its client measures, and that the servers it compares do the same work."""

import json
import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from bench.serving import flask_server, variants
from bench.serving.__main__ import body_of, train
from bench.serving.client import Order, WrongAnswerError, is_complete, measure, quantile
from bench.serving.steps import steps
from starlette.testclient import TestClient

from diabetes_model.server import plain

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    return train(tmp_path_factory.mktemp("bench"))


@contextmanager
def answering(answer, *, kept):
    """A server that says the same to everybody, and counts the requests and the connections."""
    seen = {"requests": [], "connections": []}
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def converse(connection):
            with connection, suppress(OSError):  # the client leaves when its time is over
                while connection.recv(65536):
                    seen["requests"].append(1)
                    connection.sendall(answer)
                    if not kept:
                        return

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                seen["connections"].append(1)
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join(timeout=5)


def order(port, *, kept, connections=3):
    return Order(port, "/predict", "{}", kept=kept, connections=connections, seconds=0.2)


@pytest.mark.parametrize("kept", [True, False])
def test_every_answer_is_counted_on_kept_and_on_new_connections(kept):
    with answering(OK, kept=kept) as (port, seen):
        load = measure(order(port, kept=kept))
    # What is still under way at the end is asked, and not counted.
    assert load.answers <= len(seen["requests"]) <= load.answers + 3
    assert (len(seen["connections"]) == 3) is kept
    assert 0 < load.p50 <= load.p99
    assert load.rate == load.answers / load.seconds
    assert load.seconds >= 0.2


def test_another_answer_than_200_ends_the_measurement():
    with (
        answering(OK.replace(b"200", b"500"), kept=True) as (port, _),
        pytest.raises(WrongAnswerError, match="500"),
    ):
        measure(order(port, kept=True, connections=1))


def test_an_answer_is_whole_when_its_length_is_there():
    assert [is_complete(OK[:end]) for end in (10, len(OK) - 1, len(OK))] == [False, False, True]


def test_quantiles_are_of_the_sorted_values():
    assert quantile([1.0], 0.99) == 1.0
    assert quantile(list(range(100)), 0.5) == 50
    assert quantile(list(range(100)), 0.99) == 99


def test_a_request_says_whether_the_connection_is_kept():
    assert b"Connection: close" not in order(1, kept=True).request()
    assert b"Connection: close" in order(1, kept=False).request()
    assert order(1, kept=True).request().endswith(b"Content-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize("route", ["/predict", "/explain"])
def test_all_servers_answer_the_same_numbers(artefact, route, monkeypatch):
    body = body_of(artefact, 2)
    flask = flask_server.create_app(artefact).test_client()
    want = flask.post(route, data=body, content_type="application/json").get_json()
    [key] = want
    assert len(want[key]) == 2
    settings = variants.settings_of(artefact, 0)
    monkeypatch.setattr(plain, "features_of", plain.features_of)  # the variants replace it
    for make in (
        variants.whole,
        variants.without_tally,
        variants.without_metrics,
        variants.without_checks,
        variants.without_both,
    ):
        answer = TestClient(make(settings)).post(route, content=body)
        assert answer.json()[key] == want[key]


def test_what_is_left_out_is_left_out(artefact, monkeypatch):
    settings = variants.settings_of(artefact, 0)
    wrong = json.dumps({"rows": [json.loads(body_of(artefact, 1))["rows"][0] | {"bmi": 1000}]})
    assert TestClient(variants.whole(settings)).post("/predict", content=wrong).status_code == 422
    uncounted = TestClient(variants.without_metrics(settings))
    assert uncounted.post("/predict", content=body_of(artefact, 1)).status_code == 200
    assert (
        'model_requests_total{code="200",model="diabetes-risk",revision="local",route="predict"} 0.0'
        in (uncounted.get("/metrics").text)
    )
    monkeypatch.setattr(plain, "features_of", plain.features_of)
    unchecked = TestClient(variants.without_checks(settings))
    assert unchecked.post("/predict", content=wrong).status_code == 200


def test_the_steps_of_an_answer_are_measured(artefact):
    found = {step.title: step.microseconds for step in steps(artefact, body_of(artefact, 1))}
    assert len(found) == 6
    assert all(0.0 < microseconds < 100_000 for microseconds in found.values())
