"""Mimir, Thanos, VictoriaMetrics and proxies before them: what is sent, and what is believed."""

import base64
import logging
import traceback
from collections.abc import Iterator

import pytest
from tests.support.fakehttp import FakeHttp, Response, serving

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.source import CounterQuery, PrometheusSource, RangeQuery

QUERY = CounterQuery(workloads=frozenset({("a", "x-1")}), at=1000.25, window=30.0)
OWN = RangeQuery(promql="sum(up)", start=990, end=1020, step=15, namespace="team-a")
EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}
SECRET = "hunter2-not-to-be-told"


@pytest.fixture
def http() -> Iterator[FakeHttp]:
    with serving(lambda _request: Response(EMPTY)) as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[FakeHttp]:
    with serving(lambda _request: Response(EMPTY)) as server:
        yield server


async def refused(back_end: BackEnd, **options) -> SourceError:
    source = PrometheusSource(back_end, **options)
    try:
        with pytest.raises(SourceError) as caught:
            await source.scrapes(QUERY)
        return caught.value
    finally:
        source.close()


async def answered(back_end: BackEnd, **options) -> None:
    source = PrometheusSource(back_end, **options)
    await source.scrapes(QUERY)
    await source.values(OWN)
    source.close()


async def test_headers_of_the_settings_are_sent_with_every_query(http):
    await answered(BackEnd(url=http.url, headers={"X-Scope-OrgID": "ops"}))
    assert [request.headers["X-Scope-OrgID"] for request in http.requests] == ["ops", "ops"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: FileNotFoundError"),
        (b"\n", "is empty"),
        (f"{SECRET}\nX-Scope-OrgID: all".encode(), "is not one line of plain text"),
        (f"{SECRET}\n X-Scope-OrgID: all".encode(), "is not one line of plain text"),
        (f"{SECRET}\x00".encode(), "is not one line of plain text"),
        (b"\xff" + SECRET.encode(), "is not one line of plain text"),
    ],
)
async def test_a_token_that_cannot_be_sent_is_said_to_be_so_and_is_in_no_traceback(
    http, tmp_path, content, why
):
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    error = await refused(BackEnd(url=http.url, bearer_token_file=str(token)))
    assert str(error) == f"Prometheus: the bearer token in its Secret {why}"
    assert error.fault is SourceFault.DOWN
    assert SECRET not in "".join(traceback.format_exception(error))
    assert http.requests == []


async def test_user_and_password_are_read_anew_for_each_request(http, tmp_path):
    user, password = tmp_path / "user", tmp_path / "password"
    user.write_text("davy\n")
    source = PrometheusSource(
        BackEnd(url=http.url, username_file=str(user), password_file=str(password))
    )
    for text in ("first\n", "sécond"):
        password.write_text(text, encoding="utf-8")
        await source.scrapes(QUERY)
    source.close()
    sent = [request.headers["Authorization"].split() for request in http.requests]
    assert [(kind, base64.b64decode(pair).decode()) for kind, pair in sent] == [
        ("Basic", "davy:first"),
        ("Basic", "davy:sécond"),
    ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_credential_follows_a_redirect(http, elsewhere, tmp_path, status):
    token = tmp_path / "token"
    token.write_text(SECRET)
    http.answer = lambda _request: Response(b"", status, headers={"Location": elsewhere.url})
    error = await refused(
        BackEnd(url=http.url, bearer_token_file=str(token), headers={"X-Scope-OrgID": "ops"})
    )
    assert "redirects" in error.message
    assert elsewhere.requests == []


@pytest.mark.parametrize("text", [SECRET, f"{SECRET}\nHost: b", f"{SECRET}\x00", f"é{SECRET}"])
async def test_no_secret_is_told_whatever_becomes_of_the_request(http, tmp_path, caplog, text):
    caplog.set_level(logging.DEBUG)
    token = tmp_path / "token"
    token.write_text(text)
    http.answer = lambda request: Response(
        {"status": "error", "error": "x"}, 401, headers={"X": str(request.headers)[:0]}
    )
    error = await refused(BackEnd(url=http.url, bearer_token_file=str(token)))
    assert SECRET not in str(error)
    assert SECRET not in caplog.text


def test_a_token_over_plain_http_is_known():
    plain = BackEnd(url="http://p", bearer_token_file="/t")
    basic = BackEnd(url="http://p", username_file="/u", password_file="/p")
    safe = BackEnd(url="https://p", bearer_token_file="/t")
    assert [b.exposes_credentials for b in (plain, basic, safe, BackEnd(url="http://p"))] == [
        True,
        True,
        False,
        False,
    ]


# --- user queries ----------------------------------------------------------------------------------


async def test_user_queries_are_asked_elsewhere_and_for_their_own_namespace(http, elsewhere):
    await answered(
        BackEnd(url=http.url, headers={"X-Scope-OrgID": "ops"}),
        user_queries=BackEnd(url=f"{elsewhere.url}/prometheus", tenant_header="X-Scope-OrgID"),
    )
    (counters,), (own,) = http.requests, elsewhere.requests
    assert counters.path == "/api/v1/query"
    assert counters.headers["X-Scope-OrgID"] == "ops"
    assert own.path == "/prometheus/api/v1/query_range"
    assert own.headers.get_all("X-Scope-OrgID") == ["team-a"]
    assert "davylamp_tenant" not in own.form


async def test_a_label_proxy_is_told_the_namespace_in_the_url(http):
    await answered(
        BackEnd(url=http.url), user_queries=BackEnd(url=http.url, tenant_parameter="namespace")
    )
    counters, own = http.requests
    assert counters.query == {}
    assert own.query == {"namespace": "team-a"}
    assert "namespace" not in own.form


async def test_a_tenants_header_wins_over_one_of_the_settings(http):
    shared = {"headers": {"X-Scope-OrgID": "ops"}, "tenant_header": "X-Scope-OrgID"}
    await answered(BackEnd(url=http.url), user_queries=BackEnd(url=http.url, **shared))
    assert http.requests[1].headers.get_all("X-Scope-OrgID") == ["team-a"]


async def test_a_query_of_no_namespace_is_not_asked_where_tenants_are_told_apart(http):
    shared = BackEnd(url=http.url, tenant_header="X-Scope-OrgID")
    source = PrometheusSource(BackEnd(url=http.url), user_queries=shared)
    with pytest.raises(SourceError, match="of no namespace"):
        await source.values(RangeQuery(promql="up", start=0, end=15, step=15))
    source.close()
    assert http.requests == []


# --- what is believed ------------------------------------------------------------------------------


async def test_no_part_of_an_answer_is_asked_for_and_nothing_is_held_back(http):
    await answered(BackEnd(url=http.url))
    for request in http.requests:
        assert request.form["partial_response"] == "false"
        assert request.form["nocache"] == "1"
        assert request.form["latency_offset"] == "1ms"


PARTIAL = [
    {"warnings": ["x" * 100_000]},
    {"warnings": ["receive series from Addr: 10.0.0.1:10901: connection refused"]},
    {"infos": ["one store is left out"]},
    {"isPartial": True},
]


@pytest.mark.parametrize("mark", PARTIAL)
async def test_a_partial_answer_is_no_answer_and_says_so(http, mark):
    http.answer = lambda _request: Response({**EMPTY, **mark})
    error = await refused(BackEnd(url=http.url))
    assert error.fault is SourceFault.DOWN
    assert error.message.startswith("Prometheus: a partial answer, which is no answer: ")


async def test_a_query_that_prometheus_warns_of_is_a_bad_one_and_a_hint_is_nothing(http):
    http.answer = lambda _request: Response({**EMPTY, "warnings": ["PromQL warning: no le (1:4)"]})
    error = await refused(BackEnd(url=http.url))
    assert (error.fault, error.message) == (
        SourceFault.BAD_ANSWER,
        "Prometheus: PromQL warning: no le (1:4)",
    )
    http.answer = lambda _request: Response(
        {**EMPTY, "infos": ["PromQL info: no counter, perhaps"]}
    )
    await answered(BackEnd(url=http.url))


async def test_a_series_with_such_a_label_is_no_warning(http):
    text = '"warnings":["x"],"isPartial":true,'
    labels = {"namespace": "a", "pod": "x-1-7d4b9c-abcde", "warnings": text, "infos": "[]"}
    series = {"metric": labels, "values": [[990, "1"]]}
    data = {"resultType": "matrix", "result": [series]}
    http.answer = lambda _request: Response({"status": "success", "isPartial": False, "data": data})
    source = PrometheusSource(BackEnd(url=http.url))
    assert await source.scrapes(QUERY)
    source.close()


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Response("<!doctype html><title>Sign in</title>"), "a login page"),
        (Response("no org id", 401), "set the header X-Scope-OrgID"),
        (Response("", 401), "bearerTokenSecret"),
        (Response("", 403), "may not read there"),
        (Response("404 page not found", 404), "/prometheus"),
        (Response("", 302, headers={"Location": "/login"}), "a login page"),
    ],
)
async def test_what_is_no_answer_of_prometheus_says_what_to_look_at(http, response, words):
    http.answer = lambda _request: response
    error = await refused(BackEnd(url=http.url))
    assert words in error.message
    assert "\n" not in error.message
