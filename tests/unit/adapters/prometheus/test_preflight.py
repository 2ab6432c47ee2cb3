"""What answers at an address gets its name before a gate waits for it."""

import pytest
from tests.support.fakebackends import MIMIR, PROMETHEUS, THANOS, VICTORIA, FakeBackEnd
from tests.support.fakehttp import Response, serving

from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.connection.preflight import Preflight, examine


def found(answer, path="", **settings) -> Preflight:
    with serving(answer) as http:
        return examine(BackEnd(url=f"{http.url}{path}", **settings))


def test_a_prometheus_that_is_well_has_no_problems():
    result = found(PROMETHEUS)
    assert (result.kind, result.version, result.problems) == ("Prometheus", "3.5.0", ())
    assert abs(result.skew) < 1
    assert 2 < result.newest < 4
    assert result.held_back < 0.5
    assert result.text == "Prometheus 3.5.0, newest sample 3 s old"


def test_victoriametrics_is_known_and_what_it_keeps_back_is_measured():
    result = found(VICTORIA)
    assert (result.kind, result.version, result.problems) == ("VictoriaMetrics", "", ())
    assert 29 < result.held_back < 31
    assert result.newest < 4
    assert "keeps back 30 s from others, not from the operator" in result.text


def test_mimir_and_thanos_are_known():
    headers = {"X-Scope-OrgID": "ops"}
    assert found(MIMIR, "/prometheus", headers=headers).text.startswith("Mimir 2.17.1")
    assert found(THANOS).text.startswith("Thanos 0.40.1")


def test_one_without_a_page_about_itself_is_taken_for_a_prometheus():
    assert found(FakeBackEnd(build=None)).kind == "Prometheus"


def test_a_path_that_is_missing_is_found():
    result = found(MIMIR, headers={"X-Scope-OrgID": "ops"})
    assert result.kind == ""
    (problem,) = result.problems
    assert "HTTP 404" in problem
    assert "let the address end with /prometheus" in problem


def test_a_missing_tenant_is_named():
    (problem,) = found(MIMIR, "/prometheus").problems
    assert "set the header X-Scope-OrgID (prometheus.headers in the chart)" in problem


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Response("", 401), "does not accept the operator's credentials"),
        (Response("<html>Sign in"), "a login page"),
        (Response("", 302, headers={"Location": "http://127.0.0.1:1/login"}), "redirects"),
        (Response("not json"), "no result of a query"),
        (Response("[" * 60_000), "no result of a query"),
    ],
)
def test_what_is_no_prometheus_is_said_to_be_none(response, words):
    problems = found(lambda _request: response).problems
    assert words in problems[0]


def test_nothing_there_is_said_once(unused_tcp_port):
    result = examine(BackEnd(url=f"http://127.0.0.1:{unused_tcp_port}"))
    assert result.problems == ("cannot be asked: ConnectionError",)


@pytest.mark.parametrize(("skew", "way"), [(37.0, "ahead of"), (-37.0, "behind")])
def test_a_clock_that_is_wrong_is_a_problem(skew, way):
    (problem,) = found(FakeBackEnd(skew=skew)).problems
    assert f"37 s {way} the operator's" in problem


def test_old_samples_are_a_problem_and_none_are_told():
    (old,) = found(FakeBackEnd(newest=600.0)).problems
    assert "600 s old" in old
    none = found(FakeBackEnd(newest=None))
    assert none.problems == ()
    assert "holds no series `up`" in none.text


def test_credentials_in_clear_are_a_problem_and_are_not_shown(tmp_path):
    token = tmp_path / "token"
    token.write_text("hunter2")
    result = found(PROMETHEUS, bearer_token_file=str(token))
    assert result.problems == ("credentials go over plain http: use https",)
    assert "hunter2" not in result.text


def test_what_it_says_of_itself_is_shown_only_if_it_is_a_version():
    result = found(FakeBackEnd(build='{"version": "1\\n\\u001b[31m<script>"}'))
    assert (result.kind, result.version) == ("Prometheus", "")
