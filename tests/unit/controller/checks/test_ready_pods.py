"""Whose metrics are read: ready pods of both revisions, at addresses of their own."""

import pytest
from tests.support.kubelets import made_by

from davylamp.controller.checks.pod_networks import PodNetworks
from davylamp.controller.checks.ready_pods import ready_pods
from davylamp.controller.cluster.pods import read_pod
from davylamp.controller.evidence.subjects import pod_targets

OURS = {"risk-new", "risk-old"}


def pod(name="risk-new-5d7f-abcde", *, ip="10.1.2.3", ready=True, port=8000, **changes):
    conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": None}]
    ports = [{"name": "admin", "containerPort": 9000}, {"name": "http", "containerPort": port}]
    return {
        "metadata": {
            "name": name,
            "namespace": "models",
            "uid": f"uid-of-{name}",
            "ownerReferences": made_by(name),
        }
        | changes,
        "spec": {
            "containers": [
                {"name": "proxy", "ports": [{"name": "http", "containerPort": 15001}]},
                {"name": "model", "ports": ports},
            ]
        },
        "status": {"phase": "Running", "podIP": ip, "conditions": conditions},
    }


def names(*pods):
    return [target.name for target in pod_targets(ready_pods(map(read_pod, pods)), OURS)]


def test_a_pod_is_read_at_its_own_address_and_the_port_of_the_model():
    (target,) = pod_targets(ready_pods([read_pod(pod())]), OURS)
    assert (target.namespace, target.name) == ("models", "risk-new-5d7f-abcde")
    assert (target.host, target.port, target.path) == ("10.1.2.3", 8000, "/metrics")
    assert target.uid == "uid-of-risk-new-5d7f-abcde"


@pytest.mark.parametrize(
    ("port", "path", "expected"),
    [
        ("9000", "/prometheus", (9000, "/prometheus")),
        ("8000", "", (8000, "/metrics")),
        ("15001", "/metrics", (8000, "/metrics")),
        ("22", "metrics", (8000, "/metrics")),
        ("x", "@other", (8000, "/metrics")),
    ],
)
def test_metrics_are_read_where_the_annotations_say_at_ports_that_the_model_declares(
    port, path, expected
):
    said = {"prometheus.io/port": port, "prometheus.io/path": path}
    (ready,) = ready_pods([read_pod(pod(annotations=said))])
    (target,) = pod_targets([ready], OURS)
    assert (target.port, target.path) == expected
    assert ready.address.port == 8000


def test_pods_of_both_revisions_are_read_in_order_of_name_and_no_others():
    others = ["risk-old-6c-x", "risk-new-5d-y", "risk-newer-5d-z", "risk-9f-w", "loose"]
    assert names(*map(pod, others)) == ["risk-new-5d-y", "risk-old-6c-x"]


def test_pods_that_do_not_serve_are_left_out():
    going = pod(deletionTimestamp="2026-11-01T03:00:00Z")
    assert names(pod(ready=False), going) == []


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "metadata.google.internal",
        "10.1.2.3@127.0.0.1",
        "fd00:10::7%eth0",
        "::ffff:10.1.2.3",
        "64:ff9b::10.1.2.3",
        "2002:a01:203::",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "",
        None,
        7,
    ],
)
def test_whoever_writes_a_pods_status_does_not_turn_us_elsewhere(ip):
    assert names(pod(ip=ip)) == []


@pytest.mark.parametrize("ip", ["10.1.2.3", "192.168.7.7", "100.64.0.9", "fd00:10::7"])
def test_addresses_that_pods_have_are_read(ip):
    assert names(pod(ip=ip)) == ["risk-new-5d7f-abcde"]


@pytest.mark.parametrize("port", [None, "http"])
def test_without_the_number_of_its_port_a_pod_is_not_read(port):
    assert names(pod(port=port)) == []


def test_a_pod_without_the_model_container_is_not_read():
    loose = pod()
    loose["spec"]["containers"].pop()
    assert names(loose) == []
    assert names({"metadata": {"name": "risk-new-5d-x"}}) == []


def test_a_pod_in_its_nodes_network_is_not_read():
    on_host = pod()
    on_host["spec"]["hostNetwork"] = True
    assert names(on_host) == []


@pytest.mark.parametrize("told", [{"hostIP": "10.1.2.3"}, {"hostIPs": [{"ip": "10.1.2.3"}]}])
def test_no_pod_is_read_at_the_address_of_a_node_of_any_of_the_models_pods(told):
    neighbour = pod("risk-old-6c-x", ip="10.1.2.9")
    neighbour["status"] |= told
    assert names(pod(), neighbour) == ["risk-old-6c-x"]


def test_where_the_networks_of_pods_are_known_no_other_address_is_read():
    networks = PodNetworks.of(["10.1.0.0/16", "fd00:10::/64"])
    addresses = ["10.1.2.3", "10.2.2.3", "fd00:10::7", "fd00:11::7", "203.0.113.5"]
    pods = [read_pod(pod(f"risk-new-5d-{n}", ip=ip)) for n, ip in enumerate(addresses)]
    assert [ready.address.host for ready in ready_pods(pods, networks)] == [
        "10.1.2.3",
        "fd00:10::7",
    ]


@pytest.mark.parametrize(
    "owners",
    [
        [],
        [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "risk-new-5d7f"}],
        [{"apiVersion": "v1", "kind": "ConfigMap", "name": "risk-new-5d7f", "controller": True}],
        [{"apiVersion": "x/v1", "kind": "ReplicaSet", "name": "risk-new-5d7f", "controller": True}],
    ],
)
def test_a_pod_that_no_deployment_made_is_not_read_whatever_its_labels_say(owners):
    assert names(pod(ownerReferences=owners)) == []
