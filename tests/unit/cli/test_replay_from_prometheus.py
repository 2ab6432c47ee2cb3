"""The same canary from Prometheus: a real HTTP server, and the adapter that the operator has."""

import json

import pytest
from tests.support.fakehttp import Response, serving
from tests.unit.cli.conftest import canary, spec

AT = 1_763_976_000.0
PODS = {"s-1": "model-old-7d4b9c-aaaaa", "s-2": "model-old-7d4b9c-bbbbb"}


def series(found):
    """Counters as Prometheus has them: one series of a pod for each answer code."""
    known = {}
    for time, pod, revision, requests, errors in found:
        name = PODS.get(pod, f"model-{revision}-5f6d7c-ccccc")
        for code, value in (("200", requests - errors), ("500", errors)):
            labels = {"namespace": "models", "pod": name, "code": code}
            values = known.setdefault((name, code), {"metric": labels, "values": []})["values"]
            values.append([time + AT, str(value)])
    return list(known.values())


@pytest.fixture
def prometheus():
    answer = {"status": "success", "data": {"resultType": "matrix", "result": series(canary(0.2))}}
    with serving(lambda _: Response(answer)) as server:
        yield server.url, answer, server.requests


def told(command, url, **more):
    options = {
        "spec": command.file("spec.yaml", spec()),
        "stable": "old",
        "candidate": "new",
        "prometheus": url,
        "namespace": "models",
        "name": "model",
        "from": str(AT - 300),
        "until": str(AT + 300),
        **more,
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def test_prometheus_gives_the_decision_that_the_file_gives(command, prometheus):
    url, _, requests = prometheus
    code, out = command.run("replay", "--json", *told(command, url))
    assert code == 0, command.err
    from_file = command.judged(canary(0.2))
    found = [json.loads(line) for line in out.splitlines()]
    assert [{**each, "at": each["at"] - AT} for each in found] == from_file
    assert len(requests) == 1


def test_times_may_be_written_as_dates(command, prometheus):
    dates = {"from": "2025-11-24T09:15:00Z", "until": "2025-11-24T09:25:00Z"}
    assert command.run("replay", *told(command, prometheus[0], **dates))[0] == 0


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"from": "yesterday"}, "--from yesterday"),
        ({"until": "1"}, "--from must be before --until"),
        ({"name": ""}, "missing: --name"),
        ({"candidate": "newer"}, "no samples of pods of models/model-newer"),
        ({"prometheus": "ftp://somewhere"}, "no http(s) URL"),
    ],
)
def test_what_cannot_be_asked_is_refused(command, prometheus, more, wrong):
    assert command.run("replay", *told(command, prometheus[0], **more))[0] == 2
    assert wrong in command.err


def test_an_unreachable_prometheus_is_named(command, prometheus):
    assert command.run("replay", *told(command, "http://127.0.0.1:9"))[0] == 2
    assert "cannot be asked" in command.err
