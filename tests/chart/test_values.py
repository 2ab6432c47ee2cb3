"""Values: refused where they are wrong, with their path, and all of them documented."""

import json

import pytest
import yaml
from jsonschema import Draft7Validator
from tests.chart.conftest import CHART
from tests.chart.values_table import documented, with_table

from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.manifests import Privilege

pytestmark = pytest.mark.chart

# Kubernetes' own types, which the API server checks; and what Helm itself puts in.
PASSED_THROUGH = {
    "/global",
    "/podSecurityContext",
    "/securityContext",
    "/resources/claims[]",
    "/extraEnv[]/valueFrom",
    "/affinity/nodeAffinity",
    "/affinity/podAffinity",
    "/affinity/podAntiAffinity",
    "/topologySpreadConstraints[]/labelSelector",
    "$defs/peer/podSelector",
    "$defs/peer/namespaceSelector",
}


@pytest.fixture(scope="module")
def schema():
    return json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def values_text():
    return (CHART / "values.yaml").read_text(encoding="utf-8")


def nodes(node, path=""):
    """Every schema in this one, with its path."""
    yield path, node
    for key, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}/{key}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    for name, child in node.get("$defs", {}).items():
        yield from nodes(child, f"$defs/{name}")


def leaves(values, path=""):
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value:
            yield from leaves(value, here)
        else:
            yield here


def test_schema_is_a_schema_and_takes_the_defaults(schema, values_text):
    Draft7Validator.check_schema(schema)
    assert list(Draft7Validator(schema).iter_errors(yaml.safe_load(values_text))) == []


def test_schema_is_closed_everywhere(schema):
    still_open = {
        path
        for path, node in nodes(schema)
        if node.get("type") == "object" and "additionalProperties" not in node
    }
    assert still_open == PASSED_THROUGH


def test_schema_describes_every_property(schema):
    silent = {
        f"{path}/{key}"
        for path, node in nodes(schema)
        for key, child in node.get("properties", {}).items()
        if not child.get("description")
    }
    assert silent == set()


def test_every_value_is_in_the_schema(schema, values_text):
    known = {path.removeprefix("/").replace("/", ".") for path, _ in nodes(schema)}
    open_objects = ("podSecurityContext", "securityContext", "resources")
    unknown = {
        path
        for path in leaves(yaml.safe_load(values_text))
        if path not in known and not path.startswith(open_objects)
    }
    assert unknown == set()


def test_every_value_is_commented(values_text):
    comments = documented(values_text)
    silent = {
        path
        for path in leaves(yaml.safe_load(values_text))
        if not any(path == known or path.startswith(f"{known}.") for known in comments)
    }
    assert silent == set()


def test_readme_shows_every_value(values_text):
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    assert with_table(readme, values_text) == readme, "run: python tests/chart/values_table.py"


def test_tenants_may_be_allowed_every_privilege_and_no_other(values_text):
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    allow = schema["properties"]["tenants"]["properties"]["allow"]
    assert allow["items"]["enum"] == [*Privilege]
    described = documented(values_text)["tenants.allow"]
    assert all(f"`{privilege}`" in described for privilege in Privilege)
    assert yaml.safe_load(values_text)["tenants"]["allow"] == []


@pytest.mark.parametrize(
    ("values", "path", "complaint"),
    [
        ({"replicaCount": 3}, "", "replicaCount"),
        ({"image": {"tagg": "x"}}, "/image", "tagg"),
        ({"prometheus": {"labels": {"node": "x"}}}, "/prometheus/labels", "node"),
        ({"replicas": "two"}, "/replicas", "string"),
        ({"replicas": 6}, "/replicas", "maximum"),
        ({"image": {"digest": "sha256:12"}}, "/image/digest", "pattern"),
        ({"prometheus": {"url": "prometheus:9090"}}, "/prometheus/url", "pattern"),
        ({"prometheus": {"labels": {"pod": "a-b"}}}, "/prometheus/labels/pod", "pattern"),
        ({"prometheus": {"scrapeInterval": "5"}}, "/prometheus/scrapeInterval", "pattern"),
        ({"prometheus": {"latency": {"metric": "a-b"}}}, "/prometheus/latency/metric", "pattern"),
        ({"prometheus": {"groups": {"by": "x"}}}, "/prometheus/groups", "by"),
        ({"gates": {"userQueries": True}}, "/gates/userQueries", "object"),
        ({"gates": {"userQueries": {"url": "p:9090"}}}, "/gates/userQueries/url", "pattern"),
        ({"prometheus": {"headers": {"X-A": "a\nb"}}}, "/prometheus/headers/X-A", "pattern"),
        ({"prometheus": {"replicaLabels": ["a-b"]}}, "/prometheus/replicaLabels/0", "pattern"),
        ({"podNetworks": ["10.0.0.0"]}, "/podNetworks/0", "pattern"),
        ({"gates": {"podMetrics": {"perSecond": 0}}}, "/gates/podMetrics/perSecond", "0"),
        ({"admission": {"action": "deny"}}, "/admission/action", "Deny"),
        ({"rbac": {"edit": ["pause"]}}, "/rbac/edit/0", "abort"),
        ({"watchNamespaces": ["Models"]}, "/watchNamespaces/0", "pattern"),
        ({"watchNamespaces": ["a", "a"]}, "/watchNamespaces", "equal"),
        ({"tenants": {"allow": ["hostPath"]}}, "/tenants/allow/0", "hostPaths"),
        ({"logLevel": "LOUD"}, "/logLevel", "DEBUG"),
        ({"commonLabels": {"app.kubernetes.io/name": "x"}}, "/commonLabels", "app.kubernetes.io"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(refusal, values, path, complaint):
    message = refusal(values)
    assert f"'{path}'" in message
    assert complaint in message


@pytest.mark.parametrize(
    "selector",
    [
        "",
        'route="predict"',
        ' route = "predict" , code!~"4.." ',
        'path=~"/v[0-9]{2}\\\\.x"',
        'quote="\\""',
        'route="predict"}',
        'route="predict",',
        "route='predict'",
        "route",
        'route="a" or up',
    ],
)
def test_matchers_are_refused_at_installation_if_the_operator_would_refuse_them(schema, selector):
    try:
        SeriesNames(latency_selector=selector)
    except ValueError:
        taken = False
    else:
        taken = True
    values = {"prometheus": {"latency": {"selector": selector}}}
    assert Draft7Validator(schema).is_valid(values) is taken


def test_helm_reads_the_pattern_of_matchers_as_python_does(template):
    def taken(selector):
        return template({"prometheus": {"scores": {"selector": selector}}}).returncode == 0

    assert taken('path=~"/v[0-9]{2}",code!="200"')
    assert not taken('route="predict"}')


def test_password_in_the_address_is_refused_and_not_repeated(refusal):
    message = refusal({"prometheus": {"url": "http://me:hunter2@prometheus:9090"}})
    assert "prometheus.bearerTokenSecret" in message
    assert "hunter2" not in message


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Host", "X A"])
def test_a_header_that_is_a_secret_or_another_request_is_refused(refusal, name):
    assert f"invalid propertyName '{name}'" in refusal({"prometheus": {"headers": {name: "x"}}})
