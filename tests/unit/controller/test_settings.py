"""What is wrong in the environment is said at the start, by the variable's name."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support import signing

from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.controller.fairness.limits import Limits
from davylamp.controller.images.settings import Digests, ImageSettings
from davylamp.controller.settings import Settings
from davylamp.images import KeyRule
from davylamp.manifests import Privilege


def said(**variables: str) -> Settings:
    return Settings.from_environment({f"DAVYLAMP_{k}": v for k, v in variables.items()})


def test_nothing_said_is_fine():
    plain = said()
    assert plain.metrics == Settings().metrics
    assert plain.leader_election
    assert plain.namespaces == ()


def test_what_tenants_may_have_is_told_by_its_names():
    assert said().allowed == frozenset()
    assert said(TENANTS_ALLOW="hostPaths, root").allowed == {Privilege.HOST_PATHS, Privilege.ROOT}
    with pytest.raises(ValueError, match="DAVYLAMP_TENANTS_ALLOW: 'hostpath' is none of annotat"):
        said(TENANTS_ALLOW="root,hostpath")


def test_namespaces_may_have_spaces_around_them():
    assert said(NAMESPACES=" a, b ,,c").namespaces == ("a", "b", "c")


def test_everything_of_the_query_is_taken_over():
    told = said(
        REQUESTS_METRIC="http_requests_total",
        REQUESTS_SELECTOR='job="models"',
        CODE_LABEL="status",
        ERROR_CODES="5..|429",
        NAMESPACE_LABEL="kubernetes_namespace",
        POD_LABEL="pod_name",
        SCRAPE_INTERVAL="15s",
    ).metrics
    assert told.series == SeriesNames(
        requests_metric="http_requests_total",
        requests_selector='job="models"',
        code_label="status",
        error_codes="5..|429",
        namespace_label="kubernetes_namespace",
        pod_label="pod_name",
    )
    assert told.scrape_interval == 15


def test_every_name_of_a_series_can_be_told():
    names = {
        "LATENCY_METRIC": "latency",
        "LATENCY_SELECTOR": 'a="b"',
        "SCORES_METRIC": "scores",
        "SCORES_SELECTOR": 'c="d"',
        "SHARES_METRIC": "shares",
        "SHARES_SELECTOR": 'e="f"',
        "GROUP_REQUESTS_METRIC": "asked",
        "GROUP_PREDICTIONS_METRIC": "answered",
        "GROUPS_SELECTOR": 'g="h"',
        "FEATURE_LABEL": "column",
        "GROUP_LABEL": "who",
        "OUTCOME_LABEL": "answer",
        "POSITIVE_OUTCOME": "granted",
    }
    told = said(**names).metrics.series
    assert {name: told[name.lower()] for name in names} == names


def test_what_gates_may_ask_can_be_limited():
    told = said(USER_QUERIES="true", POD_METRICS="False", POD_METRICS_PER_SECOND="0.5").metrics
    assert (told.user_queries, told.pod_metrics, told.pod_metrics_per_second) == (True, False, 0.5)
    plain = said().metrics
    assert (plain.user_queries, plain.pod_metrics, plain.pod_metrics_per_second) == (
        False,
        True,
        50,
    )


def test_a_back_end_is_told_by_files_and_headers():
    told = said(
        PROMETHEUS_URL="https://mimir.example/prometheus/",
        PROMETHEUS_USERNAME_FILE="/u",
        PROMETHEUS_PASSWORD_FILE="/p",
        PROMETHEUS_CERTIFICATE_FILE="/c",
        PROMETHEUS_KEY_FILE="/k",
        PROMETHEUS_HEADERS='{"X-Scope-OrgID": "ops"}',
    ).metrics.prometheus
    assert told == BackEnd(
        url="https://mimir.example/prometheus",
        username_file="/u",
        password_file="/p",
        certificate_file="/c",
        key_file="/k",
        headers={"X-Scope-OrgID": "ops"},
    )


def test_user_queries_go_to_prometheus_unless_they_have_an_address_or_a_tenant():
    prometheus = {"PROMETHEUS_URL": "https://p", "PROMETHEUS_BEARER_TOKEN_FILE": "/token"}
    assert said(**prometheus).metrics.user_back_end is None
    shared = said(**prometheus, USER_QUERIES_TENANT_HEADER="X-Scope-OrgID").metrics
    assert shared.user_back_end == replace(shared.prometheus, tenant_header="X-Scope-OrgID")
    assert shared.prometheus.tenant_header == ""


def test_to_another_address_nothing_of_prometheus_credentials_is_sent():
    told = said(
        PROMETHEUS_URL="https://p",
        PROMETHEUS_BEARER_TOKEN_FILE="/token",
        PROMETHEUS_HEADERS='{"X-Scope-OrgID": "ops"}',
        USER_QUERIES_URL="http://prom-label-proxy",
        USER_QUERIES_TENANT_PARAMETER="namespace",
    ).metrics
    assert told.user_back_end == BackEnd(
        url="http://prom-label-proxy", tenant_parameter="namespace"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROMETHEUS_HEADERS", '{"Authorization": "Bearer 5ecret"}'),
        ("PROMETHEUS_HEADERS", '{"X-A": "5ecret\\r\\nHost: b"}'),
        ("PROMETHEUS_HEADERS", '{"X A": "b"}'),
        ("PROMETHEUS_HEADERS", '{"X-A": 5}'),
        ("PROMETHEUS_HEADERS", "5ecret"),
        ("PROMETHEUS_USERNAME_FILE", "/only-half"),
        ("PROMETHEUS_KEY_FILE", "/only-half"),
        ("PROMETHEUS_URL", "https://user:5ecret@p"),
        ("USER_QUERIES_URL", "file:///5ecret"),
        ("USER_QUERIES_TENANT_HEADER", "Host"),
        ("USER_QUERIES_TENANT_PARAMETER", "a&b"),
        ("POD_NETWORKS", "10.0.0.0/33"),
    ],
)
def test_what_is_no_back_end_is_refused_without_showing_a_secret(name, value):
    with pytest.raises(
        ValueError, match=f"DAVYLAMP_{name.rpartition('_')[0].partition('_')[0]}"
    ) as caught:
        said(**{name: value})
    assert "5ecret" not in str(caught.value)


def test_networks_of_pods_leave_out_the_api_server():
    told = Settings.from_environment(
        {"DAVYLAMP_POD_NETWORKS": "10.0.0.0/8", "KUBERNETES_SERVICE_HOST": "10.96.0.1"}
    ).pod_networks
    assert [told.accepted(ip) for ip in ("10.1.2.3", "10.96.0.1", "11.1.2.3")] == [
        "10.1.2.3",
        None,
        None,
    ]


def test_secrets_can_be_left_alone():
    assert (said().reads_secrets, said(SECRETS="false").reads_secrets) == (True, False)


def test_no_selector_is_a_selector():
    assert said(REQUESTS_SELECTOR="").metrics.series["requests_selector"] == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REQUESTS_METRIC", "requests total"),
        ("REQUESTS_METRIC", ""),
        ("REQUESTS_SELECTOR", 'route="predict"} or vector(1'),
        ("CODE_LABEL", "status-code"),
        ("ERROR_CODES", "5(.."),
        ("NAMESPACE_LABEL", 'namespace="x"'),
        ("POD_LABEL", ""),
        ("LATENCY_METRIC", "request seconds"),
        ("LATENCY_SELECTOR", "route"),
        ("SCORES_METRIC", "score.*"),
        ("SCORES_SELECTOR", "{}"),
        ("SHARES_METRIC", ""),
        ("SHARES_SELECTOR", "a=b"),
        ("GROUP_REQUESTS_METRIC", "1st"),
        ("GROUP_PREDICTIONS_METRIC", "a-b"),
        ("GROUPS_SELECTOR", 'a="b",'),
        ("FEATURE_LABEL", "a.b"),
        ("GROUP_LABEL", ""),
        ("OUTCOME_LABEL", "out come"),
        ("POSITIVE_OUTCOME", " "),
        ("USER_QUERIES", "yes"),
        ("POD_METRICS", "1"),
        ("LIMIT_ROLLOUTS", "0"),
        ("LIMIT_SHOWN_MODELS", "-1"),
        ("POD_METRICS_PER_SECOND", "many"),
        ("POD_METRICS_PER_SECOND", "0"),
        ("POD_METRICS_PER_SECOND", "nan"),
        ("POD_METRICS_PER_SECOND", "inf"),
        ("SCRAPE_INTERVAL", "often"),
        ("SCRAPE_INTERVAL", "0s"),
        ("LEASE_DURATION", "0s"),
        ("METRICS_PORT", "http"),
        ("LEADER_ELECTION", "no"),
        ("SECRETS", "no"),
    ],
)
def test_what_is_wrong_is_named(name, value):
    with pytest.raises(ValueError, match=f"^DAVYLAMP_{name}: "):
        said(**{name: value})


def test_limits_of_a_namespace_are_set_one_by_one():
    limits = said(LIMIT_ROLLOUTS="7", LIMIT_SCRAPED_PODS="9").limits
    assert (limits.rollouts, limits.scraped_pods) == (7, 9)
    assert limits.user_queries == Limits().user_queries


def test_nobody_is_asked_about_images_unless_the_chart_says_so():
    assert said().images == ImageSettings()
    assert said().images.digests is Digests.OFF


def test_images_are_as_the_chart_says():
    key = signing.pem_of(ec.generate_private_key(ec.SECP256R1()))
    rules = [{"repositories": ["registry.example/*"], "keys": [key]}]
    images = said(
        IMAGE_DIGESTS="Require",
        PLAIN_HTTP_REGISTRIES="172.18.0.1:5000, Registry.local",
        REGISTRIES="registry.example",
        REGISTRY_CA_FILE="/ca.crt",
        SECRETS="false",
        IMAGE_KEYS=json.dumps(rules),
    ).images
    assert images.digests is Digests.REQUIRE
    assert images.registries.plain_http == {"172.18.0.1:5000", "registry.local"}
    assert images.registries.allowed == {"registry.example"}
    assert images.registries.ca_file == "/ca.crt"
    assert not images.pull_secrets
    assert images.rules == (KeyRule(("registry.example/*",), (key,)),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IMAGE_DIGESTS", "auto"),
        ("IMAGE_KEYS", "no json"),
        ("IMAGE_KEYS", "{}"),
        ("IMAGE_KEYS", "[1]"),
        ("IMAGE_KEYS", '[{"repositories": ["a"], "keys": []}]'),
        ("IMAGE_KEYS", '[{"repositories": [], "keys": ["x"]}]'),
        ("IMAGE_KEYS", '[{"repositories": ["a"], "keys": ["no key"]}]'),
    ],
)
def test_a_wrong_word_about_images_is_refused_by_its_name(name, value):
    with pytest.raises(ValueError, match=f"DAVYLAMP_{name}: "):
        said(**{name: value})
