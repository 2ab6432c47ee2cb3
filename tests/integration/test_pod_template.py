"""Overlays on the pod template: the API server's own merge keys, and what it says of the result."""

import inspect
from typing import Any

import pytest
from tests.support import podfields
from tests.support.kube import kubectl
from tests.support.manifests import Manifest, changed, minimal

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.template import fields, is_read_as
from davylamp.api.template.shapes import parsed
from davylamp.manifests import Owner, deployment_of, record, template_fault
from davylamp.rollout import identify
from davylamp.schema.json import JsonObject

CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
SPREAD = {"maxSkew": 1, "labelSelector": {"matchLabels": {"davylamp.dev/model": "risk"}}}
OVERLAYS: dict[str, dict[str, Any]] = {
    "a volume mounted twice": {
        "volumes": [{"name": "work", "emptyDir": {}}],
        "model": {
            "volumeMounts": [
                {"name": "work", "mountPath": "/models", "subPath": "models"},
                {"name": "work", "mountPath": "/cache", "subPath": "cache"},
            ]
        },
    },
    "probes of another kind": {
        "model": {
            "readinessProbe": {"tcpSocket": {"port": "http"}},
            "livenessProbe": {"exec": {"command": ["true"]}},
            "startupProbe": {"grpc": {"port": 9000}},
        }
    },
    "variables from a Secret": {"model": {"envFrom": [{"secretRef": {"name": "hub-token"}}]}},
    "a server with ports of its own": {
        "securityContext": {"runAsUser": 1000, "fsGroup": 1000},
        "volumes": [
            {"name": "models", "persistentVolumeClaim": {"claimName": "models"}},
            {"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        ],
        "model": {
            "args": ["tritonserver", "--model-repository=/models"],
            "ports": [
                {"name": "http", "containerPort": 8000},
                {"name": "grpc", "containerPort": 8001},
                {"name": "metrics", "containerPort": 8002},
            ],
            "volumeMounts": [
                {"name": "models", "mountPath": "/models"},
                {"name": "dshm", "mountPath": "/dev/shm"},
            ],
            "readinessProbe": {"httpGet": {"path": "/v2/health/ready"}},
        },
    },
    "a volume of ours with another source": {
        "volumes": [{"name": "tmp", "ephemeral": {"volumeClaimTemplate": {"spec": CLAIM}}}]
    },
    "defaults taken away": {
        "volumes": [{"name": "tmp", "$overlay": "delete"}],
        "model": {
            "volumeMounts": [{"mountPath": "/tmp", "$overlay": "delete"}],
            "livenessProbe": {"$overlay": "delete"},
            "lifecycle": {"$overlay": "delete"},
        },
    },
    "one second to stop": {"terminationGracePeriodSeconds": 1},
    "three seconds to stop": {"terminationGracePeriodSeconds": 3},
    "another way to stop": {
        "terminationGracePeriodSeconds": 3,
        "model": {"lifecycle": {"preStop": {"httpGet": {"path": "/drain", "port": "http"}}}},
    },
    "spread, tolerations and claims": {
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "topologySpreadConstraints": [
            {**SPREAD, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
            {**SPREAD, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
        ],
        "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpu"}],
        "model": {"resources": {"claims": [{"name": "gpu"}], "limits": {"x.example/y": "1"}}},
    },
}


def with_overlay(overlay: dict[str, Any]) -> ModelDeploymentSpec:
    pod = {key: value for key, value in overlay.items() if key != "model"}
    pod["containers"] = [{"name": "model", **overlay.get("model", {})}]
    manifest = changed(minimal(), {"spec.serving": {"template": {"spec": pod}}})
    return ModelDeploymentSpec.model_validate(manifest["spec"])


def deployment(overlay: dict[str, Any], namespace: str) -> JsonObject:
    owner = Owner("risk", namespace, "2f1c6f0e-9a3e-4a27-8f43-3f7a9a1c0000")
    spec = with_overlay(overlay)
    return deployment_of(owner, record(owner, identify(spec, {}), spec, number=1, pinned={}), 0)


@pytest.mark.parametrize("overlay", OVERLAYS.values(), ids=OVERLAYS.keys())
def test_a_merged_template_is_accepted_without_a_warning(
    overlay: dict[str, Any], namespace: str
) -> None:
    dry = ("--dry-run=server", "--warnings-as-errors", "-o", "name")
    applied = kubectl(
        "apply", "--server-side", *dry, "-f", "-", stdin=deployment(overlay, namespace)
    )
    assert applied.code == 0, applied.err


REFUSED: dict[str, dict[str, Any]] = {
    "text for a list": {"model": {"command": "serve"}},
    "text for an object": {"model": {"readinessProbe": "tcp"}},
    "a number for text": {"model": {"env": [{"name": "A", "value": 5}]}},
    "text for a number": {"terminationGracePeriodSeconds": "3"},
    "an item without its key": {"model": {"volumeMounts": [{"name": "tmp"}]}},
    "an item twice": {"model": {"volumeMounts": [{"name": "tmp", "mountPath": "/a"}] * 2}},
    "no quantity": {"model": {"resources": {"limits": {"memory": "512mb"}}}},
    "a container without an image": {"initContainers": [{"name": "get"}]},
}


@pytest.mark.parametrize("overlay", REFUSED.values(), ids=REFUSED.keys())
def test_what_we_refuse_the_api_server_would_refuse(
    overlay: dict[str, Any], namespace: str
) -> None:
    """Refused before a write, with a path; and never what would have been good."""
    pod = {key: value for key, value in overlay.items() if key != "model"}
    base = deployment({}, namespace)
    template = base["spec"]["template"]["spec"]
    template |= pod
    template["containers"][0] |= overlay.get("model", {})

    applied = kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=base)

    assert applied.code != 0
    assert (template_fault(with_overlay(overlay)) or "").startswith("spec.serving.template.spec")


def of_overlay(overlay: dict[str, Any], namespace: str) -> Manifest:
    """A ModelDeployment with an overlay on the pod and, as `model`, on the model's container."""
    pod = {key: value for key, value in overlay.items() if key != "model"}
    pod["containers"] = [{"name": "model", **overlay.get("model", {})}]
    return changed(minimal("closed", namespace), {"spec.serving": {"template": {"spec": pod}}})


@pytest.mark.parametrize("overlay", OVERLAYS.values(), ids=OVERLAYS.keys())
@pytest.mark.parametrize("way", [(), ("--server-side",)], ids=["plain", "server-side"])
def test_the_definition_holds_every_overlay_as_it_is_written(
    overlay: dict[str, Any], way: tuple[str, ...], namespace: str
) -> None:
    written = of_overlay(overlay, namespace)
    dry = ("--dry-run=server", "-o", "json", "-f", "-")
    stored = kubectl("apply", *way, *dry, stdin=written).json
    assert stored["spec"]["serving"]["template"] == written["spec"]["serving"]["template"]


def test_every_field_takes_null_and_every_object_a_directive(namespace: str) -> None:
    overlay: dict[str, Any] = {
        "hostname": None,
        "terminationGracePeriodSeconds": None,
        "volumes": [{"$overlay": "replace"}],
        "securityContext": {"$overlay": "replace", "runAsNonRoot": True},
        "nodeSelector": {"$overlay": "replace", "a": "b"},
        "model": {
            "livenessProbe": None,
            "lifecycle": {"$overlay": "delete"},
            "resources": {"limits": {"$overlay": "replace", "cpu": 1, "memory": "1Gi"}},
        },
    }
    written = of_overlay(overlay, namespace)
    sent = ("--server-side", "--dry-run=server", "-o", "json", "-f", "-")
    stored = kubectl("apply", *sent, stdin=written).json
    assert stored["spec"]["serving"]["template"] == written["spec"]["serving"]["template"]


UNKNOWN: dict[str, tuple[dict[str, Any], str]] = {
    "of a pod": ({"newer": [{"a": 1}]}, "spec.newer"),
    "of a container": ({"model": {"livenessprobe": {}}}, "spec.containers[0].livenessprobe"),
    "of a type that is no template's": ({"ephemeralContainers": []}, "spec.ephemeralContainers"),
    "another directive": ({"$retainKeys": ["volumes"]}, "spec.$retainKeys"),
}


@pytest.mark.parametrize(("overlay", "path"), UNKNOWN.values(), ids=UNKNOWN.keys())
@pytest.mark.parametrize("way", [(), ("--server-side",)], ids=["plain", "server-side"])
def test_a_field_that_no_template_has_is_refused_at_admission(
    overlay: dict[str, Any], path: str, way: tuple[str, ...], namespace: str
) -> None:
    answer = kubectl(
        "apply", *way, "--dry-run=server", "-f", "-", stdin=of_overlay(overlay, namespace)
    )
    assert answer.code != 0
    assert f"spec.serving.template.{path}" in answer.err


@pytest.mark.parametrize(("overlay", "path"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_a_client_without_validation_sends_is_pruned_as_we_take_it(
    overlay: dict[str, Any], path: str, namespace: str
) -> None:
    written = of_overlay(overlay, namespace)
    dry = ("--validate=false", "--dry-run=server", "-o", "json", "-f", "-")
    stored = kubectl("create", *dry, stdin=written).json["spec"]["serving"]["template"]
    template = written["spec"]["serving"]["template"]
    assert stored != template
    assert is_read_as(template, stored)


TOO_MUCH: dict[str, tuple[dict[str, Any], str, str]] = {
    "a plain value taken away": (
        {"terminationGracePeriodSeconds": {"$overlay": "delete"}},
        "spec.terminationGracePeriodSeconds.$overlay",
        "unknown field",
    ),
    "many variables": (
        {"model": {"env": [{"name": f"A{n}"} for n in range(257)]}},
        "spec.containers[0].env",
        "must have at most 256 items",
    ),
    "many entries": (
        {"nodeSelector": {f"a{n}": "b" for n in range(257)}},
        "spec.nodeSelector",
        "must have at most 256 items",
    ),
    "a long text": ({"hostname": "a" * 4097}, "spec.hostname", "Too long"),
    "a long argument": (
        {"model": {"args": ["a" * 131_073]}},
        "spec.containers[0].args",
        "Too long",
    ),
    "a quantity of a million digits": (
        {"model": {"resources": {"limits": {"cpu": "1e999999"}}}},
        "spec.containers[0].resources.limits.cpu",
        "should match",
    ),
    "a float": (
        {"model": {"resources": {"limits": {"cpu": 0.5}}}},
        "spec.containers[0].resources.limits.cpu",
        "must be of type integer,string",
    ),
    "more than 32 bits": (
        {"model": {"ports": [{"containerPort": 2**31}]}},
        "spec.containers[0].ports[0].containerPort",
        "should be less than or equal to 2147483647",
    ),
    "more than 64 bits": (
        {"terminationGracePeriodSeconds": 10**30},
        "spec.terminationGracePeriodSeconds",
        "must be of type integer",
    ),
    "a wrong directive": (
        {"model": {"lifecycle": {"$overlay": "merge"}}},
        "spec.containers[0].lifecycle.$overlay",
        'supported values: "delete", "replace"',
    ),
}


@pytest.mark.parametrize(("overlay", "path", "words"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_an_overlay_out_of_all_bounds_is_refused_with_its_path(
    overlay: dict[str, Any], path: str, words: str, namespace: str
) -> None:
    answer = kubectl("create", "--dry-run=server", "-f", "-", stdin=of_overlay(overlay, namespace))
    assert answer.code != 0
    assert f"spec.serving.template.{path}" in answer.err
    assert words in answer.err


def test_nothing_deep_is_ever_stored(namespace: str) -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"spec": deep}
    written = changed(minimal("deep", namespace), {"spec.serving": {"template": deep}})
    dry = ("--validate=false", "--dry-run=server", "-o", "json", "-f", "-")
    stored = kubectl("create", *dry, stdin=written).json
    assert stored["spec"]["serving"]["template"] == {"spec": {}}


def applied_twice(name: str, namespace: str, changes: Manifest) -> Manifest:
    """What is stored after a change by plain `kubectl apply`."""
    first = changed(minimal(name, namespace), {"spec.paused": True, "spec.serving": {"port": 9000}})
    for manifest in (first, changed(first, changes)):
        answer = kubectl("apply", "-f", "-", stdin=manifest)
        assert answer.code == 0, answer.err
    return kubectl(
        "get", f"modeldeployment.davylamp.dev/{name}", "-n", namespace, "-o", "json"
    ).json


def test_a_directive_survives_plain_kubectl_apply_and_null_does_not(namespace: str) -> None:
    containers = [{"name": "model", "lifecycle": {"$overlay": "delete"}, "livenessProbe": None}]
    stored = applied_twice(
        "patched",
        namespace,
        {"spec.serving.template": {"spec": {"containers": containers, "hostname": None}}},
    )
    template = stored["spec"]["serving"]["template"]["spec"]
    assert template["containers"][0]["lifecycle"] == {"$overlay": "delete"}
    assert "hostname" not in template


def test_the_table_of_fields_is_the_api_servers() -> None:
    openapi = kubectl("get", "--raw", "/openapi/v3/api/v1").json
    theirs, ours = parsed(podfields.lines(openapi)), parsed(fields.FIELDS)
    common = [
        (name, field)
        for name in theirs.keys() & ours.keys()
        for field in theirs[name].keys() & ours[name].keys()
    ]
    assert len(common) > 400
    assert {at: theirs[at[0]][at[1]] for at in common} == {at: ours[at[0]][at[1]] for at in common}
    if podfields.version(openapi) == fields.VERSION:
        assert podfields.module(openapi) == inspect.getsource(fields), "run make pod-fields"
