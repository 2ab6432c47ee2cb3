"""The chart as a whole: lint, names, optional objects and notes."""

import pytest
import yaml
from tests.chart.conftest import CHART, MONITORING, NAMESPACE

from davylamp.api import names

pytestmark = pytest.mark.chart


def test_lint_strict(helm):
    result = helm("lint", "--strict", str(CHART))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "WARNING" not in result.stdout


def test_lint_strict_with_everything_on(helm):
    switches = (
        "networkPolicy.restrictEgress",
        "metrics.serviceMonitor.enabled",
        "metrics.prometheusRule.enabled",
        "metrics.skipApiCheck",
    )
    options = [f"--set={switch}=true" for switch in switches]
    result = helm("lint", "--strict", str(CHART), "--set=watchNamespaces={a,b}", *options)
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_old_cluster_is_refused(refusal):
    assert "1.29" in refusal({}, "--kube-version=1.29.9")


@pytest.mark.parametrize("version", ["1.30.0", "1.35.4", "1.33.1-gke.1001"])
def test_supported_clusters_are_not(render, version):
    assert render({}, f"--kube-version={version}").of("Deployment")


def test_objects_of_the_default_installation(defaults):
    hooks = ("ServiceAccount", "Role", "RoleBinding", "Pod")
    found = sorted((d["kind"], d["metadata"]["name"]) for d in defaults.documents)
    assert found == sorted(
        [
            ("CustomResourceDefinition", "modeldeployments.davylamp.dev"),
            ("ServiceAccount", "davylamp"),
            ("ClusterRole", "davylamp"),
            ("ClusterRole", "davylamp-view"),
            ("ClusterRole", "davylamp-edit"),
            ("ClusterRole", "davylamp-admin"),
            *(
                (kind, f"davylamp-{policy}")
                for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
                for policy in ("workloads", "commands", "records")
            ),
            ("ClusterRoleBinding", "davylamp"),
            ("Role", "davylamp-lease"),
            ("RoleBinding", "davylamp-lease"),
            ("Service", "davylamp"),
            ("Deployment", "davylamp"),
            ("PodDisruptionBudget", "davylamp"),
            ("NetworkPolicy", "davylamp"),
            *((kind, "davylamp-selftest") for kind in hooks),
            ("ClusterRole", "davylamp-selflist"),
            ("ClusterRoleBinding", "davylamp-selflist"),
        ]
    )


def test_every_namespaced_object_says_its_namespace(defaults):
    cluster = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
    for document in defaults.documents:
        has_none = document["kind"] in cluster or "AdmissionPolicy" in document["kind"]
        expected = None if has_none else NAMESPACE
        assert document["metadata"].get("namespace") == expected


def test_every_object_carries_the_common_labels(render):
    rendered = render({"commonLabels": {"team": "ml"}})
    for document in rendered.documents:
        labels = document["metadata"]["labels"]
        assert labels["team"] == "ml"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["helm.sh/chart"] == "davylamp-0.1.0"


def test_names_follow_the_release_and_fit(render):
    other = render(release="blue")
    assert other.one("Deployment")["metadata"]["name"] == "blue-davylamp"
    long = render({"fullnameOverride": "x" * 80})
    names = [d["metadata"]["name"] for d in long.documents]
    assert max(len(name) for name in names) <= 63


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PodMonitor", "PrometheusRule"])
class TestMonitoring:
    @staticmethod
    def values(kind, **more):
        return {"metrics": {kind[0].lower() + kind[1:]: {"enabled": True, **more}}}

    def test_off_by_default(self, render, kind):
        assert render({}, MONITORING).of(kind) == []

    def test_refused_where_the_cluster_does_not_know_it(self, refusal, kind):
        assert "metrics.skipApiCheck=true" in refusal(self.values(kind))

    def test_labels_of_the_users_prometheus(self, render, kind):
        rendered = render(self.values(kind, labels={"release": "kps"}), MONITORING)
        assert rendered.one(kind)["metadata"]["labels"]["release"] == "kps"

    def test_rendered_without_a_cluster_when_told(self, render, kind):
        values = self.values(kind)
        values["metrics"]["skipApiCheck"] = True
        assert render(values).one(kind)


def test_monitors_select_the_metrics_port_of_the_operator(render):
    values = {"serviceMonitor": {"enabled": True, "interval": "10s"}}
    rendered = render({"metrics": values}, MONITORING)
    monitor = rendered.one("ServiceMonitor")["spec"]
    service = rendered.one("Service")
    selector = monitor["selector"]["matchLabels"]
    assert selector.items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["endpoints"]
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    assert endpoint["interval"] == "10s"


@pytest.mark.parametrize(
    ("kind", "endpoints"),
    [("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints")],
)
def test_monitors_send_the_token_of_the_metrics(render, kind, endpoints):
    switch = f"{kind[0].lower()}{kind[1:]}"
    values = {switch: {"enabled": True}, "bearerTokenSecret": {"name": "scraper", "key": "t"}}
    rendered = render({"metrics": values}, MONITORING)
    (endpoint,) = rendered.one(kind)["spec"][endpoints]
    assert endpoint["authorization"] == {
        "type": "Bearer",
        "credentials": {"name": "scraper", "key": "t"},
    }


def test_alerts_come_out_of_the_template_as_they_went_in(render):
    rendered = render({"metrics": {"prometheusRule": {"enabled": True}}}, MONITORING)
    source = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))
    assert rendered.one("PrometheusRule")["spec"] == source
    alerts = {rule["alert"]: rule for rule in source["groups"][0]["rules"]}
    assert set(alerts) == {
        "DavylampRolledBack",
        "DavylampRollbackNotVerified",
        "DavylampRolloutStuck",
        "DavylampExplanationDrift",
        "DavylampNightlyFailed",
        "DavylampPrometheusUnreachable",
        "DavylampNotReconciling",
        "DavylampDown",
        "DavylampFenceRefused",
        "DavylampWritesRefused",
        "DavylampCreationLoop",
        "DavylampEventLoopBlocked",
        "DavylampReadingTooMuch",
        "DavylampLimitReached",
        "DavylampObjectsNotRead",
    }
    assert "$labels.name" in alerts["DavylampRolledBack"]["annotations"]["summary"]


def test_scrape_annotations(render):
    def annotations(values):
        return render(values).one("Deployment")["spec"]["template"]["metadata"]["annotations"]

    assert annotations({})["prometheus.io/port"] == "9090"
    off = {"metrics": {"scrapeAnnotations": False}, "podAnnotations": {"a": "b"}}
    assert not [key for key in annotations(off) if key.startswith("prometheus.io")]
    assert annotations(off)["a"] == "b"


def egress_ports(policy):
    rules = [rule for rule in policy["spec"]["egress"] if "ports" in rule]
    return [[port["port"] for port in rule["ports"]] for rule in rules]


@pytest.mark.parametrize(
    ("url", "namespace"),
    [
        ("http://prometheus.monitoring.svc:9090", "monitoring"),
        ("http://kps-prometheus.observability.svc.cluster.local:9090/prefix", "observability"),
        ("http://prometheus.monitoring:9090", "monitoring"),
        ("http://prometheus:9090", NAMESPACE),
        ("https://prometheus.example.com", None),
        ("http://10.0.0.1:9090", None),
        ("http://[fd00::1]:9090", None),
    ],
)
def test_only_the_namespace_of_prometheus_may_read_the_metrics(render, url, namespace):
    policy = render({"prometheus": {"url": url}}).one("NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert "egress" not in policy
    rules = {rule["ports"][0]["port"]: rule["from"] for rule in policy["ingress"]}
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    assert rules.get(9090) == ([monitoring] if namespace else None)


def test_no_pod_but_the_charts_test_may_talk_to_the_probes(defaults):
    rules = defaults.one("NetworkPolicy")["spec"]["ingress"]
    (peers,) = [rule["from"] for rule in rules if rule["ports"][0]["port"] == 8080]
    labels = peers[0]["podSelector"]["matchLabels"]
    assert labels.items() <= defaults.one("Pod")["metadata"]["labels"].items()
    operator = defaults.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert not labels.items() <= operator.items()


def test_the_network_policy_can_be_left_to_others(render):
    assert render({"networkPolicy": {"enabled": False}}).of("NetworkPolicy") == []


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://prometheus.monitoring.svc:9090", 9090),
        ("https://prometheus.example", 443),
        ("http://prometheus/prefix", 80),
        ("http://[fd00::1]:9091/x", 9091),
    ],
)
def test_network_policy_allows_dns_api_server_and_prometheus(render, url, port):
    values = {"networkPolicy": {"restrictEgress": True}, "prometheus": {"url": url}}
    rendered = render(values)
    policy = rendered.one("NetworkPolicy")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert policy["spec"]["podSelector"] == rendered.one("Deployment")["spec"]["selector"]
    assert egress_ports(policy) == [[53, 53], [443, 6443], [port], [443]]
    (models,) = [rule for rule in policy["spec"]["egress"] if "ports" not in rule]
    exists = {"matchExpressions": [{"key": names.LABEL_MODEL, "operator": "Exists"}]}
    assert models == {"to": [{"namespaceSelector": {}, "podSelector": exists}]}


def test_network_policy_can_name_its_peers(render):
    monitoring = {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}
    policy = render(
        {
            "networkPolicy": {
                "restrictEgress": True,
                "apiServer": {"cidrs": ["10.0.0.1/32"], "ports": [6443]},
                "prometheus": {"peers": [monitoring], "ports": [9090]},
                "metricsPeers": [monitoring],
                "extraEgress": [{"ports": [{"port": 3128, "protocol": "TCP"}]}],
            }
        }
    ).one("NetworkPolicy")
    assert egress_ports(policy) == [[53, 53], [6443], [9090], [443], [3128]]
    _, api_server, prometheus, *_ = policy["spec"]["egress"]
    assert api_server["to"] == [{"ipBlock": {"cidr": "10.0.0.1/32"}}]
    assert prometheus["to"] == [monitoring]
    assert policy["spec"]["ingress"][0]["from"] == [monitoring]


def notes(helm, *options):
    arguments = ("install", "davylamp", str(CHART), "--dry-run=client", "--namespace", NAMESPACE)
    result = helm(*arguments, *options)
    assert result.returncode == 0, result.stderr
    return result.stdout.split("NOTES:")[1]


def test_notes_say_the_next_three_commands(helm):
    text = notes(helm)
    for command in (
        "helm test davylamp --namespace davylamp-system",
        "kubectl explain modeldeployment.spec.rollout --api-version=davylamp.dev/v1alpha1",
        "kubectl get modeldeployments.davylamp.dev --all-namespaces --watch",
    ):
        assert command in text
    assert "WARNING" not in text


def test_notes_say_who_looks_after_what_and_what_an_uninstalled_release_leaves(helm):
    text = notes(helm, "--set=watchNamespaces={models}")
    assert "OPERATOR:.status.operator.release" in text
    assert "in other namespaces than models are not looked after by this release" in text
    assert "abort canaries first" in text
    assert "in other namespaces" not in notes(helm)


def test_egress_to_another_address_of_user_queries_is_allowed(render):
    own = {"url": "https://mimir.example:8443/prometheus"}
    values = {"networkPolicy": {"restrictEgress": True}, "gates": {"userQueries": own}}
    assert [9090, 8443] in egress_ports(render(values).one("NetworkPolicy"))


def test_notes_warn_of_what_user_queries_see_unless_tenants_are_told_apart(helm):
    on = "--set=gates.userQueries.enabled=true"
    assert "can read all that this Prometheus holds" in notes(helm, on)
    assert "own PromQL" not in notes(helm)
    for own in ("url=https://p", "tenantHeader=X-Scope-OrgID", "tenantParameter=namespace"):
        assert "own PromQL" not in notes(helm, on, f"--set=gates.userQueries.{own}")


def test_notes_say_who_may_read_the_metrics(helm):
    assert "Pods of the namespace monitoring may read" in notes(helm)
    assert "Nobody may read" in notes(helm, "--set=prometheus.url=https://p.example.com")
    assert "may read" not in notes(helm, "--set=networkPolicy.enabled=false")


def test_notes_warn_of_any_credential_in_plain_text(helm):
    basic = notes(helm, "--set=prometheus.basicAuthSecret.name=b")
    assert "the operator's credentials travel unencrypted" in basic
    own = "--set=gates.userQueries.url=http://p,gates.userQueries.bearerTokenSecret.name=t"
    assert "its credentials travel unencrypted" in notes(helm, own)
    safe = "--set=prometheus.url=https://p.m.svc,prometheus.bearerTokenSecret.name=t"
    assert "WARNING" not in notes(helm, safe)


def test_notes_warn_of_a_token_in_plain_text_and_a_definition_that_goes(helm):
    text = notes(helm, "--set=crds.keep=false", "--set=prometheus.bearerTokenSecret.name=t")
    assert "unencrypted" in text
    assert "deletes every ModelDeployment" in text
