"""The pods of the chart: hardened, wired as the values say, and spread."""

import pytest

from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.controller.settings import MetricSettings, Settings

pytestmark = pytest.mark.chart


def container(rendered):
    (found,) = rendered.one("Deployment")["spec"]["template"]["spec"]["containers"]
    return found


def environment(rendered):
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in container(rendered)["env"]}


def settings(rendered):
    """What the operator makes of its environment."""
    found = environment(rendered).items()
    return Settings.from_environment({k: v for k, v in found if isinstance(v, str)}).metrics


def test_every_pod_fits_pod_security_restricted(defaults):
    specs = defaults.pod_specs()
    assert len(specs) == 2
    for spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 65532
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        for item in spec["containers"]:
            context = item["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
        assert {next(iter(set(v) - {"name"})) for v in spec["volumes"]} <= {"emptyDir", "projected"}


def test_read_only_root_has_a_writable_tmp(defaults):
    for spec in defaults.pod_specs():
        assert {"name": "tmp", "mountPath": "/tmp"} in spec["containers"][0]["volumeMounts"]
        assert "emptyDir" in next(v for v in spec["volumes"] if v["name"] == "tmp")


def test_tokens_are_mounted_where_asked_for_only(defaults):
    assert all(s["automountServiceAccountToken"] is False for s in defaults.of("ServiceAccount"))
    assert all(s["automountServiceAccountToken"] is True for s in defaults.pod_specs())
    accounts = {a["metadata"]["name"] for a in defaults.of("ServiceAccount")}
    assert {s["serviceAccountName"] for s in defaults.pod_specs()} == accounts


def test_two_replicas_elect_a_leader_and_never_both_go(defaults):
    spec = defaults.one("Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert defaults.one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread["labelSelector"] == spec["selector"]


def test_selectors_find_the_operator_and_not_the_test_pod(defaults):
    template = defaults.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    selector = defaults.one("Deployment")["spec"]["selector"]["matchLabels"]
    assert defaults.one("Service")["spec"]["selector"] == selector
    assert defaults.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == selector
    assert selector.items() <= template.items()
    assert not selector.items() <= defaults.one("Pod")["metadata"]["labels"].items()


def test_environment_by_default(defaults):
    assert environment(defaults) == {
        "DAVYLAMP_PROMETHEUS_URL": "http://prometheus.monitoring.svc:9090",
        "DAVYLAMP_NAMESPACES": "",
        "DAVYLAMP_CHILD_LABELS": "{}",
        "DAVYLAMP_CHILD_ANNOTATIONS": "{}",
        "DAVYLAMP_TENANTS_ALLOW": "",
        "DAVYLAMP_NAMESPACE_LABEL": "namespace",
        "DAVYLAMP_POD_LABEL": "pod",
        "DAVYLAMP_REQUESTS_METRIC": "model_requests_total",
        "DAVYLAMP_CODE_LABEL": "code",
        "DAVYLAMP_ERROR_CODES": "5..",
        "DAVYLAMP_REQUESTS_SELECTOR": 'route="predict"',
        "DAVYLAMP_LATENCY_METRIC": "model_request_seconds",
        "DAVYLAMP_LATENCY_SELECTOR": 'route="predict"',
        "DAVYLAMP_SCORES_METRIC": "model_prediction_score",
        "DAVYLAMP_SCORES_SELECTOR": "",
        "DAVYLAMP_SHARES_METRIC": "model_explanation_share",
        "DAVYLAMP_FEATURE_LABEL": "feature",
        "DAVYLAMP_SHARES_SELECTOR": "",
        "DAVYLAMP_GROUP_REQUESTS_METRIC": "model_group_requests_total",
        "DAVYLAMP_GROUP_PREDICTIONS_METRIC": "model_group_predictions_total",
        "DAVYLAMP_GROUP_LABEL": "group",
        "DAVYLAMP_OUTCOME_LABEL": "outcome",
        "DAVYLAMP_POSITIVE_OUTCOME": "high",
        "DAVYLAMP_GROUPS_SELECTOR": "",
        "DAVYLAMP_USER_QUERIES": "false",
        "DAVYLAMP_POD_METRICS": "true",
        "DAVYLAMP_POD_METRICS_PER_SECOND": "50",
        "DAVYLAMP_LIMIT_ROLLOUTS": "100",
        "DAVYLAMP_LIMIT_USER_QUERIES": "100",
        "DAVYLAMP_LIMIT_SCRAPED_PODS": "200",
        "DAVYLAMP_LIMIT_SHOWN_MODELS": "500",
        "DAVYLAMP_IMAGE_DIGESTS": "Auto",
        "DAVYLAMP_REGISTRIES": "",
        "DAVYLAMP_PLAIN_HTTP_REGISTRIES": "",
        "DAVYLAMP_IMAGE_KEYS": "[]",
        "DAVYLAMP_SCRAPE_INTERVAL": "5s",
        "DAVYLAMP_PROVEN_NAMES": "true",
        "DAVYLAMP_SECRETS": "true",
        "DAVYLAMP_LEADER_ELECTION": "true",
        "DAVYLAMP_LEASE_NAME": "davylamp",
        "DAVYLAMP_LEASE_DURATION": "15s",
        "DAVYLAMP_LEASE_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        "DAVYLAMP_IDENTITY": {"fieldRef": {"fieldPath": "metadata.name"}},
        "DAVYLAMP_LOG_LEVEL": "INFO",
    }


def test_the_charts_defaults_are_the_operators_own(defaults):
    assert settings(defaults) == MetricSettings()


def test_every_name_that_a_query_is_made_of_is_a_value(render):
    requests = {"metric": "r", "codeLabel": "c", "errorCodes": "x", "selector": 'a="r"'}
    groups = {"requestsMetric": "gr", "predictionsMetric": "gp", "groupLabel": "gl"}
    groups |= {"outcomeLabel": "o", "positiveOutcome": "yes", "selector": 'a="g"'}
    prometheus = {
        "labels": {"namespace": "space", "pod": "pod_name"},
        "requests": requests,
        "latency": {"metric": "l", "selector": 'a="l"'},
        "scores": {"metric": "s", "selector": 'a="s"'},
        "shares": {"metric": "e", "featureLabel": "f", "selector": 'a="e"'},
        "groups": groups,
        "replicaLabels": ["prometheus_replica", "replica"],
    }
    plain, found = SeriesNames(), settings(render({"prometheus": prometheus})).series
    same = [name for name in plain if plain[name] == found[name]]
    assert same == []
    assert (found["latency_metric"], found["scores_metric"], found["shares_metric"]) == (
        "l",
        "s",
        "e",
    )
    assert found.replica_labels == ("prometheus_replica", "replica")
    assert (found["group_requests_metric"], found["group_predictions_metric"]) == ("gr", "gp")
    selectors = (found["latency_selector"], found["scores_selector"], found["shares_selector"])
    assert (*selectors, found["groups_selector"]) == ('a="l"', 'a="s"', 'a="e"', 'a="g"')


def test_user_queries_can_be_switched_on_and_direct_scrape_off(render):
    gates = {"userQueries": {"enabled": True}, "podMetrics": {"enabled": False, "perSecond": 2.5}}
    found = settings(render({"gates": gates}))
    assert (found.user_queries, found.pod_metrics, found.pod_metrics_per_second) == (
        True,
        False,
        2.5,
    )
    assert found.user_back_end is None


def secrets_of(rendered, volume):
    """What a projected volume of the operator's pods is made of: Secret, key and file."""
    volumes = rendered.one("Deployment")["spec"]["template"]["spec"]["volumes"]
    sources = next((v["projected"]["sources"] for v in volumes if v["name"] == volume), [])
    return {
        (source["secret"]["name"], item["key"], item["path"])
        for source in sources
        for item in source["secret"]["items"]
    }


def test_user_queries_have_an_address_and_secrets_of_their_own(render):
    own = {
        "enabled": True,
        "url": "https://mimir.example/prometheus",
        "tenantHeader": "X-Scope-OrgID",
        "headers": {"X-Team": "ml"},
        "basicAuthSecret": {"name": "own", "usernameKey": "u", "passwordKey": "p"},
        "clientCertificateSecret": {"name": "own-tls"},
        "caSecret": {"name": "own-ca"},
    }
    token = {"bearerTokenSecret": {"name": "prometheus-token"}}
    rendered = render({"gates": {"userQueries": own}, "prometheus": token})
    folder = "/var/run/davylamp/user-queries"
    assert settings(rendered).user_back_end == BackEnd(
        url="https://mimir.example/prometheus",
        username_file=f"{folder}/username",
        password_file=f"{folder}/password",
        certificate_file=f"{folder}/tls.crt",
        key_file=f"{folder}/tls.key",
        ca_file=f"{folder}/ca.crt",
        headers={"X-Team": "ml"},
        tenant_header="X-Scope-OrgID",
    )
    assert secrets_of(rendered, "prometheus") == {("prometheus-token", "token", "token")}
    assert secrets_of(rendered, "user-queries") == {
        ("own", "u", "username"),
        ("own", "p", "password"),
        ("own-tls", "tls.crt", "tls.crt"),
        ("own-tls", "tls.key", "tls.key"),
        ("own-ca", "ca.crt", "ca.crt"),
    }


def test_prometheus_may_want_headers_a_user_and_a_certificate(render):
    prometheus = {
        "headers": {"X-Scope-OrgID": "ops"},
        "basicAuthSecret": {"name": "basic"},
        "clientCertificateSecret": {"name": "tls", "certificateKey": "c", "keyKey": "k"},
    }
    rendered = render({"prometheus": prometheus})
    found = settings(rendered).prometheus
    assert found.headers == {"X-Scope-OrgID": "ops"}
    files = (found.username_file, found.password_file, found.certificate_file, found.key_file)
    assert files == tuple(
        f"/var/run/davylamp/prometheus/{name}"
        for name in ("username", "password", "tls.crt", "tls.key")
    )
    assert secrets_of(rendered, "prometheus") == {
        ("basic", "username", "username"),
        ("basic", "password", "password"),
        ("tls", "c", "tls.crt"),
        ("tls", "k", "tls.key"),
    }


def test_two_kinds_of_credentials_for_one_address_are_refused(refusal):
    both = {"bearerTokenSecret": {"name": "a"}, "basicAuthSecret": {"name": "b"}}
    assert "prometheus: bearerTokenSecret and" in refusal({"prometheus": both})
    own = {"userQueries": {"url": "https://p", **both}}
    assert "gates.userQueries: bearerTokenSecret and" in refusal({"gates": own})


def test_a_password_in_an_address_is_refused_and_not_shown(refusal):
    message = refusal({"gates": {"userQueries": {"url": "https://user:5ecret@p"}}})
    assert "gates.userQueries.basicAuthSecret" in message
    assert "5ecret" not in message


def test_the_metrics_may_want_a_token(render):
    rendered = render({"metrics": {"bearerTokenSecret": {"name": "scraper", "key": "t"}}})
    path = "/var/run/davylamp/metrics"
    assert environment(rendered)["DAVYLAMP_METRICS_TOKEN_FILE"] == f"{path}/token"
    assert secrets_of(rendered, "metrics") == {("scraper", "t", "token")}
    assert path in [m["mountPath"] for m in container(rendered)["volumeMounts"]]


def test_networks_of_pods_are_the_operators(render):
    found = environment(render({"podNetworks": ["10.244.0.0/16", "fd00::/64"]}))
    assert found["DAVYLAMP_POD_NETWORKS"] == "10.244.0.0/16,fd00::/64"


def test_environment_follows_the_values(render):
    rendered = render(
        {
            "replicas": 1,
            "leaderElection": {"enabled": False},
            "watchNamespaces": ["models", "staging"],
            "tenants": {"allow": ["root", "csiVolumes"]},
            "prometheus": {
                "labels": {"pod": "kubernetes_pod"},
                "requests": {
                    "selector": 'route="predict",path!~"/v[0-9]+\\\\.x"',
                    "errorCodes": "5..|429",
                },
                "scrapeInterval": "15s",
            },
            "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        }
    )
    found = environment(rendered)
    assert found["DAVYLAMP_LEADER_ELECTION"] == "false"
    assert found["DAVYLAMP_NAMESPACES"] == "models,staging"
    assert found["DAVYLAMP_TENANTS_ALLOW"] == "root,csiVolumes"
    assert found["DAVYLAMP_POD_LABEL"] == "kubernetes_pod"
    assert found["DAVYLAMP_NAMESPACE_LABEL"] == "namespace"
    assert found["DAVYLAMP_REQUESTS_SELECTOR"] == 'route="predict",path!~"/v[0-9]+\\\\.x"'
    assert found["DAVYLAMP_ERROR_CODES"] == "5..|429"
    assert found["DAVYLAMP_SCRAPE_INTERVAL"] == "15s"
    assert found["HTTPS_PROXY"] == "http://proxy:3128"


def test_no_environment_variable_twice(refusal):
    values = {"extraEnv": [{"name": "DAVYLAMP_LOG_LEVEL", "value": "DEBUG"}]}
    assert "DAVYLAMP_LOG_LEVEL is set twice" in refusal(values)


def test_prometheus_secrets_are_mounted_as_files(render):
    rendered = render(
        {
            "prometheus": {
                "bearerTokenSecret": {"name": "prometheus-token", "key": "bearer"},
                "caSecret": {"name": "prometheus-ca"},
            }
        }
    )
    (spec, _) = rendered.pod_specs()
    volume = next(v for v in spec["volumes"] if v["name"] == "prometheus")
    assert [s["secret"] for s in volume["projected"]["sources"]] == [
        {"name": "prometheus-token", "items": [{"key": "bearer", "path": "token"}]},
        {"name": "prometheus-ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]},
    ]
    found, folder = environment(rendered), "/var/run/davylamp/prometheus"
    assert found["DAVYLAMP_PROMETHEUS_BEARER_TOKEN_FILE"] == f"{folder}/token"
    assert found["DAVYLAMP_PROMETHEUS_CA_FILE"] == f"{folder}/ca.crt"
    assert folder in [m["mountPath"] for m in container(rendered)["volumeMounts"]]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "davylamp/operator:0.1.0"),
        ({"tag": "3f2c1ab"}, "davylamp/operator:3f2c1ab"),
        ({"repository": "registry.example:5000/a/b", "tag": "1"}, "registry.example:5000/a/b:1"),
        (
            {"tag": "3f2c1ab", "digest": "sha256:" + "0a" * 32},
            "davylamp/operator@sha256:" + "0a" * 32,
        ),
    ],
)
def test_image_reference_and_digests_win_over_tags(render, image, expected):
    specs = render({"image": image}).pod_specs()
    assert {spec["containers"][0]["image"] for spec in specs} == {expected}


def test_probes_ask_the_operators_own_paths(defaults):
    item = container(defaults)
    ports = {port["name"]: port["containerPort"] for port in item["ports"]}
    assert ports == {"probes": 8080, "metrics": 9090}
    paths = {kind: item[kind]["httpGet"]["path"] for kind in item if kind.endswith("Probe")}
    assert paths == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {item[kind]["httpGet"]["port"] for kind in paths} == {"probes"}


def test_openshift_may_choose_the_user(render):
    rendered = render({"podSecurityContext": {"runAsUser": None, "runAsGroup": None}})
    for spec in rendered.pod_specs():
        assert spec["securityContext"] == {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }


def test_scheduling_is_passed_through(render):
    wanted = {
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "infra", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    }
    zone = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    rendered = render(wanted | {"topologySpreadConstraints": [zone]})
    spec = rendered.one("Deployment")["spec"]
    pod = spec["template"]["spec"]
    assert {key: pod[key] for key in wanted} == wanted
    assert pod["topologySpreadConstraints"] == [zone | {"labelSelector": spec["selector"]}]


def test_many_operators_need_an_election(refusal):
    message = refusal({"replicas": 2, "leaderElection": {"enabled": False}})
    assert "leaderElection.enabled=true" in message


def test_selftest_asks_readiness_and_may_only_create_a_model_deployment(defaults):
    pod = defaults.one("Pod", "davylamp-selftest")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert "hook-succeeded" in pod["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
    (item,) = pod["spec"]["containers"]
    assert item["args"] == ["selftest"]
    found = {e["name"]: e.get("value") for e in item["env"]}
    assert found["DAVYLAMP_SELFTEST_URL"] == "http://davylamp.davylamp-system.svc:8080/readyz"
    assert "DAVYLAMP_SELFTEST_NAMESPACE" in found
    ports = {p["name"]: p["port"] for p in defaults.one("Service", "davylamp")["spec"]["ports"]}
    assert ports == {"metrics": 9090, "probes": 8080}
    assert defaults.one("ClusterRole", "davylamp-selflist")["rules"] == [
        {"apiGroups": ["davylamp.dev"], "resources": ["modeldeployments"], "verbs": ["list"]}
    ]
    assert defaults.one("Role", "davylamp-selftest")["rules"] == [
        {"apiGroups": ["davylamp.dev"], "resources": ["modeldeployments"], "verbs": ["create"]}
    ]
