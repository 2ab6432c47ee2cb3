"""Sweeps over real HTTP servers: what becomes a sample, what is reported, and what nobody waits for."""

import asyncio
import gzip
import itertools
import socket
from collections.abc import AsyncIterator

import numpy as np
import pytest
from aiohttp import web

from davylamp.adapters.pods import metrics as pod_metrics
from davylamp.adapters.pods.exposition import WantedLines
from davylamp.adapters.pods.metrics import LARGEST, PodMetrics, PodTarget
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.reading.reader import Reader
from davylamp.gates import ERRORS, GROUPS, LATENCY, SCORES, SHARES
from davylamp.gates.channels import boundary
from davylamp.gates.samples import Sample, increment
from diabetes_model import contract
from diabetes_model.server.metrics import Metrics
from diabetes_model.server.tally import Tally

TIMEOUT = 0.4
BAD = "cannot be read: "


def text(good: object = 90, bad: object = 10) -> str:
    return (
        "# HELP model_requests_total Requests.\n"
        "# TYPE model_requests_total counter\n"
        f'model_requests_total{{code="200",route="predict"}} {good}\n'
        f'model_requests_total{{code="500",route="predict"}} {bad}\n'
        'model_requests_total{code="500",route="explain"} 7\n'
        "# TYPE other histogram\n"
        'other_bucket{le="+Inf"} nonsense\n'
    )


class Pod:
    """A server on loopback that answers what it is told to."""

    def __init__(self, suffix: str) -> None:
        self.name = f"risk-4be2-{suffix}"
        self.body: str | bytes | None = text()
        self.options: dict[str, object] = {}
        self.seen: list[web.Request] = []
        self.connections: set[object] = set()
        self.hang = asyncio.Event()
        self.port = 0
        self.runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1") -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.handle)
        self.runner = web.AppRunner(application)
        await self.runner.setup()
        site = web.TCPSite(self.runner, host, self.port, reuse_address=True)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.hang.set()
        await self.runner.cleanup()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.connections.add(request.transport)
        if self.body is None:
            await self.hang.wait()
            return web.Response()
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return web.Response(body=body, **self.options)

    @property
    def target(self) -> PodTarget:
        return PodTarget("ns", self.name, "uid-1", "127.0.0.1", self.port)

    @property
    def key(self) -> tuple[str, str]:
        return "ns", self.name


@pytest.fixture
async def pods() -> AsyncIterator[list[Pod]]:
    made = [Pod(f"abcd{n}") for n in range(3)]
    for pod in made:
        await pod.start()
    yield made
    for pod in made:
        await pod.stop()


@pytest.fixture
def pod(pods) -> Pod:
    return pods[0]


@pytest.fixture
async def metrics() -> AsyncIterator[PodMetrics]:
    ticks = itertools.count(1000)
    reader = Reader()
    yield PodMetrics(
        SeriesNames(), timeout=TIMEOUT, clock=lambda: float(next(ticks)), reader=reader
    )
    await reader.aclose()


async def swept(metrics: PodMetrics, *pods: Pod):
    return await metrics.sweep([pod.target for pod in pods], [ERRORS])


async def why_not(metrics: PodMetrics, pod: Pod) -> str:
    sweep = await swept(metrics, pod)
    assert sweep.samples == {ERRORS: {}}
    return sweep.failed[pod.key]


async def test_the_samples_of_all_pods_carry_the_moment_the_sweep_began(metrics, pods):
    pods[1].body = text(good=5, bad=0)
    sweep = await swept(metrics, *pods)
    assert sweep.at == 1000.0
    assert sweep.failed == {}
    assert sweep.samples[ERRORS] == {
        pods[0].key: (Sample(1000.0, 100.0, 10.0),),
        pods[1].key: (Sample(1000.0, 5.0, 0.0),),
        pods[2].key: (Sample(1000.0, 100.0, 10.0),),
    }


async def test_no_sample_is_stamped_later_than_its_pod_was_asked(pods):
    asked = PodMetrics(SeriesNames(), clock=lambda: float(sum(len(pod.seen) for pod in pods)))
    sweep = await swept(asked, *pods)
    assert sweep.at == 0.0


async def test_pods_are_asked_together(metrics, pods):
    """No pod answers before all have been asked."""
    everybody = asyncio.Barrier(len(pods))

    async def handle(pod: Pod, request: web.Request) -> web.Response:
        await everybody.wait()
        return web.Response(text=text())

    for pod in pods:
        await pod.stop()
        pod.handle = handle.__get__(pod)
        await pod.start()
    assert (await swept(metrics, *pods)).failed == {}


async def test_a_plain_get_asks_for_plain_text(metrics, pod):
    await metrics.sweep([PodTarget("ns", pod.name, "uid-1", "127.0.0.1", pod.port, "/stats")])
    asked = pod.seen[0]
    assert (asked.method, asked.path_qs) == ("GET", "/stats")
    assert asked.headers["Accept"] == "text/plain; version=0.0.4"
    assert asked.headers["Accept-Encoding"] == "identity"


async def test_nobody_to_ask_is_an_empty_sweep(metrics):
    sweep = await metrics.sweep([], [ERRORS])
    assert (sweep.at, sweep.samples, sweep.failed) == (1000.0, {ERRORS: {}}, {})


async def test_a_pod_that_hangs_costs_its_own_sample_only(metrics, pods):
    pods[0].body = None
    async with asyncio.timeout(TIMEOUT * 3):
        sweep = await swept(metrics, *pods)
    assert sweep.failed == {pods[0].key: f"no answer within {TIMEOUT} s"}
    assert set(sweep.samples[ERRORS]) == {pods[1].key, pods[2].key}


async def test_the_deadline_is_the_sweeps_however_many_pods_hang(metrics, pods, monkeypatch):
    monkeypatch.setattr(pod_metrics, "MOST_CONNECTIONS", 1)
    for pod in pods:
        pod.body = None
    async with asyncio.timeout(TIMEOUT * 1.9):
        sweep = await swept(metrics, *pods)
    assert set(sweep.failed.values()) == {f"no answer within {TIMEOUT} s"}
    assert len(sweep.failed) == 3


@pytest.mark.parametrize("code", [500, 503, 404, 204, 301, 302, 307])
async def test_another_code_is_no_answer_and_leads_nowhere(metrics, pods, pod, code):
    pod.options = {"status": code, "headers": {"Location": f"http://127.0.0.1:{pods[1].port}/"}}
    assert await why_not(metrics, pod) == f"answered {code}"
    assert len(pod.seen) == 1
    assert pods[1].seen == []


NOTHING = "has no usable sample of any metric that is asked for"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", NOTHING),
        ("<html>\n", NOTHING),
        (b"\xff\xfe\x00\n", NOTHING),
        (gzip.compress(text().encode()) + b"\n", NOTHING),
        ('model_requests_total{code="200",route="explain"} 1\n', NOTHING),
        (text(good="NaN"), NOTHING),
        (text(good="+Inf"), NOTHING),
        (text(good=-1), NOTHING),
        (text(good="many"), BAD + "a line is no sample"),
        (text(good=""), BAD + "a line is no sample"),
        ("model_requests_total{ } }\n", BAD + "a line is no sample"),
        ("model_requests_total{code=200} 1\n", BAD + "a line is no sample"),
        ('model_requests_total{code="1", ="1"} 1\n', BAD + "a line is no sample"),
        (b'model_requests_total{code="\xff"} 1\n', BAD + "a line is no sample"),
        (text(good="90 1700000000000"), BAD + "a sample has a time of its own"),
        (text() + text(), BAD + "a series is there twice"),
        (text() + 'model_requests_total{code="2', BAD + "the text ends within a line"),
        (text() + "model_requests_total{" + "a" * 5000 + "} 1\n", BAD + "more metrics than can"),
        (text() + "model_requests_total 1\n" * 20000, BAD + "more metrics than can"),
        (b"#" * (LARGEST + 1), f"{BAD}more than {LARGEST} bytes"),
    ],
)
async def test_what_is_no_evidence_is_reported_without_quoting_it(metrics, pod, body, reason):
    pod.body = body
    assert (await why_not(metrics, pod)).startswith(reason)


async def test_a_packed_answer_is_not_unpacked(metrics, pod):
    pod.body = gzip.compress(text().encode()) + b"\n"
    pod.options = {"headers": {"Content-Encoding": "gzip"}}
    assert await why_not(metrics, pod) == "cannot be read: answers something packed"


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_the_pieces_in_which_a_text_arrives_do_not_matter(size):
    whole = text().encode()
    lines = WantedLines((b"model_requests_total",))
    for start in range(0, len(whole), size):
        lines.add(whole[start : start + size])
    assert lines.end() == [line for line in whole.splitlines() if line.startswith(b"model")]


async def test_a_body_that_breaks_off_is_no_answer(metrics, pod):
    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "10000"})
        await answer.prepare(request)
        await answer.write(text().encode())
        request.transport.close()
        return answer

    await pod.stop()
    pod.handle = handle
    await pod.start()
    assert await why_not(metrics, pod) == "cannot be read: breaks off its answer"


async def test_nobody_there_is_reported(metrics):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        sweep = await metrics.sweep([PodTarget("ns", "risk-4be2-abcde", "u", "127.0.0.1", port)])
    assert sweep.failed == {("ns", "risk-4be2-abcde"): "cannot be asked: ConnectionRefusedError"}


@pytest.mark.parametrize("path", ["@elsewhere.example/metrics", "metrics", "//elsewhere.example/"])
async def test_a_path_cannot_turn_the_request_elsewhere(metrics, pod, path):
    sweep = await metrics.sweep(
        [PodTarget("ns", pod.name, "uid-1", "127.0.0.1", pod.port, path), pod.target]
    )
    assert all(request.host == f"127.0.0.1:{pod.port}" for request in pod.seen)
    assert pod.key in sweep.samples[ERRORS]


async def test_a_value_that_is_no_number_is_a_missed_scrape_that_the_next_one_makes_up_for(
    metrics, pod
):
    first = (await swept(metrics, pod)).samples[ERRORS][pod.key][0]
    pod.body = text(good="NaN")
    assert await why_not(metrics, pod)
    pod.body = text(good=95, bad=12)
    third = (await swept(metrics, pod)).samples[ERRORS][pod.key][0]
    assert (third.time, increment(first, third).errors) == (1002.0, 2)


async def test_a_restarted_pod_is_read_again_and_counts_from_zero(metrics, pod):
    before = (await swept(metrics, pod)).samples[ERRORS][pod.key][0]
    await pod.stop()
    pod.body = text(good=3, bad=1)
    await pod.start()
    after = (await swept(metrics, pod)).samples[ERRORS][pod.key][0]
    assert (after.requests, after.errors) == (4.0, 1.0)
    assert (increment(before, after).requests, increment(before, after).errors) == (4, 1)


async def test_cookies_are_not_kept(metrics, pod):
    pod.options = {"headers": {"Set-Cookie": "a=1"}}
    await swept(metrics, pod)
    await swept(metrics, pod)
    assert "Cookie" not in pod.seen[1].headers


async def test_no_proxy_of_the_environment_is_used(metrics, pod, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await swept(metrics, pod)).failed == {}


async def test_a_pod_is_reached_by_ipv6(metrics):
    pod = Pod("abcd6")
    try:
        await pod.start("::1")
    except OSError:
        pytest.skip("no IPv6 here")
    sweep = await metrics.sweep([PodTarget("ns", pod.name, "uid-1", "::1", pod.port)])
    await pod.stop()
    assert sweep.failed == {}
    assert pod.seen[0].host == f"[::1]:{pod.port}"


async def test_no_pod_speaks_for_another(metrics, pods):
    pods[0].body = (
        f'model_requests_total{{code="200",route="predict",namespace="ns",pod="{pods[1].name}",'
        'job="a"} 5\n'
        'model_requests_total{code="500",route="predict",instance="b"} 5\n'
    )
    sweep = await swept(metrics, pods[0])
    assert sweep.samples[ERRORS] == {pods[0].key: (Sample(1000.0, 10.0, 5.0),)}


@pytest.mark.parametrize(
    ("selector", "requests"),
    [
        ("", 107),
        ('route="explain"', 7),
        ('route!="explain"', 100),
        ('route=~"pre.*|none"', 100),
        ('route=~"pre"', None),
        ('route!~"pre.*"', 7),
        ('route=~".+", code!~"4..|5.."', 90),
        ('version=""', 107),
        ('version!=""', None),
        (r'route="pre\"dict"', None),
        (r'route=~"pre\\w+"', 100),
        ('job="models"', None),
    ],
)
async def test_series_are_chosen_as_prometheus_chooses_them(pod, selector, requests):
    metrics = PodMetrics(SeriesNames(requests_selector=selector))
    found = (await swept(metrics, pod)).samples[ERRORS]
    assert [s.requests for (s,) in found.values()] == ([] if requests is None else [requests])


async def test_all_channels_of_the_sample_model_are_read_from_one_answer(metrics, pod):
    told = Metrics.of(model="risk", revision="4be2")
    observe = told.observer()
    for code, seconds in ((200, 0.004), (200, 0.02), (503, 0.02), (404, 7.0)):
        observe("predict", code, seconds)
    observe("explain", 500, 0.01)
    tally = Tally(model="risk", revision="4be2", grouping=None)
    told.registry.register(tally)
    rows = np.ones((3, len(contract.NAMES)))
    tally.answered(rows, np.array([60.0, 110.0, 999.0]), rows)
    pod.body = told.exposition()
    sweep = await metrics.sweep([pod.target])
    found = {c: by_pod[pod.key][0] for c, by_pod in sweep.samples.items() if by_pod}
    assert set(found) == {ERRORS, LATENCY, SCORES, SHARES}
    assert sweep.samples[GROUPS] == {}
    assert sweep.failed == {}
    assert {each.time for each in found.values()} == {1000.0}
    assert (found[ERRORS].requests, found[ERRORS].errors) == (4.0, 1.0)
    assert found[LATENCY].requests == 4.0
    below = found[LATENCY].parts
    assert [below[boundary(le)] for le in (0.0025, 0.005, 0.025, 5.0)] == [0.0, 1.0, 3.0, 3.0]
    assert found[SCORES].requests == 3.0
    below = found[SCORES].parts
    assert [below[boundary(le)] for le in (50.0, 75.0, 125.0, 350.0)] == [0.0, 1.0, 2.0, 2.0]
    assert found[SHARES].requests == 3.0
    assert sum(found[SHARES].parts.values()) == pytest.approx(3.0)
    assert len(pod.seen) == 1


async def test_a_channel_without_a_usable_sample_does_not_spoil_the_others(metrics, pod):
    pod.body = text() + (
        'model_request_seconds_bucket{le="+Inf",route="predict"} NaN\n'
        'model_request_seconds_count{route="predict"} NaN\n'
    )
    sweep = await metrics.sweep([pod.target], [ERRORS, LATENCY])
    assert sweep.samples == {
        ERRORS: {pod.key: (Sample(1000.0, 100.0, 10.0),)},
        LATENCY: {},
    }
    assert sweep.failed == {}


@pytest.mark.parametrize("pattern", ["(", "[[:alpha:]]+"])
def test_a_selector_that_no_pod_can_be_asked_by_is_refused_at_once(pattern):
    with pytest.raises(ValueError, match="no regular expression"):
        PodMetrics(SeriesNames(scores_selector=f'route=~"{pattern}"'))
