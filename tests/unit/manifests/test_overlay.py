"""Merging a user's overlay into a pod template: by Kubernetes' own rules, or refused with the path."""

import copy
import re

import pytest
from tests.support.manifests import changed, minimal

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.template.shapes import SCALARS, SHAPES
from davylamp.manifests import Owner, template_fault
from davylamp.manifests.overlay import TemplateRefused, merged
from davylamp.manifests.pods import pod_template
from davylamp.manifests.revisions import record, recorded
from davylamp.rollout import identify

OWNER = Owner("risk", "models", "uid-1")
OURS = {"configMapRef": {"name": "risk-aaa"}}


def spec_with(template, **fields):
    changes = {"spec.serving": {"template": template}, **fields}
    return ModelDeploymentSpec.model_validate(changed(minimal(), changes)["spec"])


def pod(template, **fields):
    return pod_template(OWNER, "aaa", spec_with(template, **fields), {})["spec"]


def model(**fields):
    """The model's container with an overlay on it."""
    return pod({"spec": {"containers": [{"name": "model", **fields}]}})["containers"][0]


def fault(template, **fields):
    return template_fault(spec_with(template, **fields))


def model_fault(**fields):
    return fault({"spec": {"containers": [{"name": "model", **fields}]}})


def of(path):
    return f"spec.serving.template.spec.containers[model].{path}"


def test_without_an_overlay_everything_is_ours():
    assert merged({"spec": {"hostNetwork": False}}, {}) == {"spec": {"hostNetwork": False}}


def test_a_volume_may_be_mounted_twice():
    mounts = [{"name": "work", "mountPath": "/models"}, {"name": "work", "mountPath": "/cache"}]
    paths = [m["mountPath"] for m in model(volumeMounts=mounts)["volumeMounts"]]
    assert paths == ["/tmp", "/models", "/cache"]


def test_a_mount_at_a_path_of_ours_replaces_its_volume():
    assert model(volumeMounts=[{"name": "work", "mountPath": "/tmp"}])["volumeMounts"] == [
        {"name": "work", "mountPath": "/tmp"}
    ]


@pytest.mark.parametrize("handler", ["exec", "grpc", "tcpSocket"])
def test_a_probe_has_the_overlays_handler(handler):
    probe = model(readinessProbe={handler: {}})["readinessProbe"]
    assert probe == {handler: {}, "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 3}


def test_a_probe_of_the_same_kind_keeps_our_port():
    probe = model(livenessProbe={"httpGet": {"path": "/v2/health/live"}})["livenessProbe"]
    assert probe["httpGet"] == {"path": "/v2/health/live", "port": "http"}


def test_a_handler_before_the_stop_replaces_our_delay():
    assert model(lifecycle={"preStop": {"exec": {"command": ["drain"]}}})["lifecycle"] == {
        "preStop": {"exec": {"command": ["drain"]}}
    }


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (
            {"persistentVolumeClaim": {"claimName": "a"}},
            {"persistentVolumeClaim": {"claimName": "a"}},
        ),
        ({"emptyDir": {"sizeLimit": "1Gi"}}, {"emptyDir": {"sizeLimit": "1Gi"}}),
        ({}, {"emptyDir": {}}),
    ],
)
def test_a_volume_has_the_overlays_source(volume, expected):
    assert pod({"spec": {"volumes": [{"name": "tmp", **volume}]}})["volumes"] == [
        {"name": "tmp", **expected}
    ]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([{"secretRef": {"name": "hub"}}], [{"secretRef": {"name": "hub"}}, OURS]),
        ([OURS], [OURS]),
        (
            [{"prefix": "A"}, {"prefix": "B"}, {"prefix": "A"}],
            [{"prefix": "B"}, {"prefix": "A"}, OURS],
        ),
        ([{"$overlay": "replace"}], [OURS]),
        ({"$overlay": "delete"}, [OURS]),
        (None, [OURS]),
    ],
)
def test_our_environment_comes_last_and_so_it_counts(sources, expected):
    assert model(envFrom=sources)["envFrom"] == expected


def test_lists_that_are_one_value_are_replaced():
    model_container = model(args=["serve"], securityContext={"capabilities": {"drop": ["NET_RAW"]}})
    assert model_container["args"] == ["serve"]
    assert model_container["securityContext"]["capabilities"] == {"drop": ["NET_RAW"]}
    assert model_container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(
    ("field", "items"),
    [
        ("tolerations", [{"key": "gpu"}, {"key": "gpu"}]),
        ("readinessGates", [{"conditionType": "a"}]),
        (
            "topologySpreadConstraints",
            [{"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        ),
        ("hostAliases", [{"ip": "10.0.0.1", "hostnames": ["a"]}]),
        ("schedulingGates", [{"name": "a"}]),
        ("resourceClaims", [{"name": "gpu", "resourceClaimName": "a"}]),
        (
            "initContainers",
            [{"name": "get", "image": "i", "env": [{"name": "PORT", "value": "1"}]}],
        ),
    ],
)
def test_lists_of_which_we_have_nothing_are_the_overlays(field, items):
    assert pod({"spec": {field: items}})[field] == items


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ({"spec": {"newer": [{"a": {"b": 1}}]}}, "spec.newer"),
        ({"status": {}}, "status"),
        ({"metadata": {"name": "risk"}}, "metadata.name"),
        ({"spec": {"ephemeralContainers": []}}, "spec.ephemeralContainers"),
        (
            {"spec": {"containers": [{"name": "model", "livenessprobe": {}}]}},
            "spec.containers[model].livenessprobe",
        ),
    ],
)
def test_a_field_that_no_template_has_is_refused(template, path):
    """The API server's definition is as closed; what it does not know would vanish without a word."""
    said = "is no field of a pod template, as Kubernetes 1.35 knows it"
    assert fault(template) == f"spec.serving.template.{path}: {said}"


def test_neither_side_is_changed():
    base = {"spec": {"containers": [{"name": "model", "env": [{"name": "A", "value": "1"}]}]}}
    overlay = {"spec": {"containers": [{"name": "model", "env": [{"name": "A", "value": "2"}]}]}}
    before = copy.deepcopy((base, overlay))
    merged(base, overlay)
    assert (base, overlay) == before


# --- taking a default away ------------------------------------------------------------------------


@pytest.mark.parametrize("removal", [None, {"$overlay": "delete"}])
def test_a_default_is_taken_away(removal):
    assert "startupProbe" not in model(startupProbe=removal)
    assert "lifecycle" not in model(lifecycle=removal)
    assert "terminationGracePeriodSeconds" not in pod(
        {"spec": {"terminationGracePeriodSeconds": removal}}
    )


def test_an_item_is_taken_away():
    assert model(volumeMounts=[{"mountPath": "/tmp", "$overlay": "delete"}])["volumeMounts"] == []
    assert pod({"spec": {"volumes": [{"name": "tmp", "$overlay": "delete"}]}})["volumes"] == []
    assert model(volumeMounts=[{"mountPath": "/no", "$overlay": "delete"}])["volumeMounts"] != []


def test_an_object_or_a_list_is_replaced():
    assert model(livenessProbe={"$overlay": "replace", "periodSeconds": 9})["livenessProbe"] == {
        "periodSeconds": 9
    }
    mounts = [{"name": "work", "mountPath": "/work"}]
    assert model(volumeMounts=[{"$overlay": "replace"}, *mounts])["volumeMounts"] == mounts


def test_an_empty_list_takes_nothing_away():
    assert model(volumeMounts=[])["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"env": {"A": "1"}}, of("env"), "must be a list, not an object"),
        ({"env": ["A"]}, of("env[0]"), 'must be an object, not "A"'),
        ({"env": [None]}, of("env[0]"), "must be an object, not null"),
        ({"env": [{"value": "1"}]}, of("env[0].name"), "is missing"),
        ({"env": [{"name": 1}]}, of("env[0].name"), 'must be text, not 1: write "1"'),
        ({"env": [{"name": "A", "value": 5}]}, of("env[A].value"), 'write "5"'),
        ({"env": [{"name": "A", "value": True}]}, of("env[A].value"), 'write "true"'),
        ({"env": [{"name": "A"}, {"name": "A"}]}, of("env[1]"), "is there twice: name A"),
        ({"volumeMounts": [{"name": "work"}]}, of("volumeMounts[0].mountPath"), "is missing"),
        ({"volumeMounts": [{"mountPath": "/a"}] * 2}, of("volumeMounts[1]"), "twice: mountPath /a"),
        ({"readinessProbe": "tcp"}, of("readinessProbe"), 'must be an object, not "tcp"'),
        ({"command": "serve"}, of("command"), 'must be a list, not "serve"'),
        ({"command": ["a", 1]}, of("command[1]"), "must be text"),
        ({"envFrom": [{"$overlay": "delete"}]}, of("envFrom[0]"), "this list is one value"),
        ({"tty": "yes"}, of("tty"), "must be true or false"),
        ({"ports": [{"containerPort": "80"}]}, of("ports[0].containerPort"), "a whole number"),
        ({"ports": [{"containerPort": True}]}, of("ports[0].containerPort"), "a whole number"),
        (
            {"ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]},
            of("ports[1]"),
            "twice: containerPort 80, protocol TCP",
        ),
        ({"resources": {"limits": {"memory": "512mb"}}}, of("resources.limits.memory"), "512Mi"),
        (
            {"resources": {"limits": {"nvidia.com/gpu": "one"}}},
            of("resources.limits[nvidia.com/gpu]"),
            "must be a quantity",
        ),
        ({"resources": {"limits": {"cpu": "1e999999"}}}, of("resources.limits.cpu"), "quantity"),
        (
            {"resources": {"limits": {"cpu": "-1"}}},
            of("resources.limits.cpu"),
            "must be a quantity",
        ),
        (
            {"lifecycle": {"$overlay": "remove"}},
            of("lifecycle[$overlay]"),
            "must be delete or replace",
        ),
        ({"lifecycle": {"$retainKeys": []}}, of("lifecycle[$retainKeys]"), "is no directive here"),
        ({"lifecycle": {"$patch": "delete"}}, of("lifecycle[$patch]"), "$overlay: delete"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_its_path(fields, path, words):
    said = model_fault(**fields)
    assert said is not None
    assert said.startswith(f"{path}: ")
    assert words in said


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"containers": []}, "template.containers: is no field of a pod template"),
        ({"spec": "x"}, 'template.spec: must be an object, not "x"'),
        ({"metadata": {"labels": 5}}, "metadata.labels: must be an object"),
        ({"metadata": {"labels": {"a": 5}}}, 'metadata.labels.a: must be text, not 5: write "5"'),
        ({"spec": {"containers": [{"image": "i"}]}}, "the model's container is called model"),
        (
            {"spec": {"containers": [{"name": "server", "args": ["a"]}]}},
            "containers[server].image: is missing: the model's container is called model",
        ),
        ({"spec": {"initContainers": [{"name": "get"}]}}, "initContainers[get].image: is missing"),
        (
            {"spec": {"containers": [{"name": "model", "$overlay": "delete"}]}},
            "containers: the container called model is gone",
        ),
        ({"spec": None}, "the container called model is gone"),
        (
            {"spec": {"terminationGracePeriodSeconds": -1}},
            "template.spec.terminationGracePeriodSeconds: is -1: it cannot be negative",
        ),
        (
            {"spec": {"containers": [{"name": "a\n\x1b[2Jb"}]}},
            "containers[a??[2Jb].image: is missing",
        ),
        ({"spec": {"hostname": 5, "dnsPolicy": "a"}}, "template.spec.hostname: must be text"),
        ({"spec": {"containers": "a\nb"}}, 'template.spec.containers: must be a list, not "a?b"'),
        (
            {"spec": {"containers": [{"name": "model", "$overlay": "replace"}]}},
            "containers[model].image: is missing",
        ),
        ({"spec": {"volumes": [{"name": "a"}, {"name": "a"}]}}, "volumes[1]: is there twice"),
        ({"$overlay": "delete"}, "template[$overlay]: must be delete or replace"),
        (
            {"spec": {"terminationGracePeriodSeconds": "3"}},
            "terminationGracePeriodSeconds: must be a whole number",
        ),
    ],
)
def test_what_leaves_no_pod_to_serve_is_refused(template, said):
    assert said in (fault(template) or "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PORT", "change spec.serving.port instead"),
        ("DAVYLAMP_SEED", "is reserved"),
        ("LEVEL", "is set in spec.config.LEVEL too"),
    ],
)
def test_a_variable_of_ours_is_not_overridden_in_silence(name, words):
    template = {"spec": {"containers": [{"name": "model", "env": [{"name": name, "value": "x"}]}]}}
    said = fault(template, **{"spec.config": {"LEVEL": "info"}})
    assert said is not None
    assert said.startswith(of(f"env[{name}]: "))
    assert words in said


def nested(levels):
    template: dict = {}
    for _ in range(levels):
        template = {"a": template}
    return template


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        (nested(33), "deeper than 32 levels"),
        (nested(100_000), "deeper than 32 levels"),
        ({"spec": {"x": [[0] * 256] * 80}}, "more than 10000 values"),
        ({"spec": {"x": [0] * 257}}, "a list or map of more than 256 items"),
        ({"spec": {"nodeSelector": {f"a{n}": "b" for n in range(257)}}}, "more than 256 items"),
        ({"spec": {"x": "y" * 300_000}}, "longer than 256 KiB"),
        ({"spec": {"priority": 10**400}}, "more than 64 bits"),
        ({"spec": {"x": float("nan")}}, "no number"),
        ({"metadata": {"annotations": {"a": "\ud800"}}}, "not Unicode"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_too_large_or_no_json_is_refused_at_once(overlay, words):
    with pytest.raises(TemplateRefused, match=re.escape("spec.serving.template: ")) as refused:
        merged({}, overlay)
    assert words in str(refused.value)


# --- the port -------------------------------------------------------------------------------------


def ports(*items):
    return {"spec": {"containers": [{"name": "model", "ports": list(items)}]}}


TRITON = (
    {"name": "http", "containerPort": 8000},
    {"name": "grpc", "containerPort": 8001},
    {"name": "metrics", "containerPort": 8002},
)


def test_the_port_called_http_is_followed_everywhere():
    spec = spec_with(ports(*TRITON))
    template = pod_template(OWNER, "aaa", spec, {})
    served = template["spec"]["containers"][0]["ports"]
    assert [(p["name"], p["containerPort"]) for p in served] == [
        ("http", 8000),
        ("grpc", 8001),
        ("metrics", 8002),
    ]
    assert template["metadata"]["annotations"]["prometheus.io/port"] == "8000"
    made = record(OWNER, identify(spec, {}), spec, number=1, pinned={})
    assert recorded(made, "configMap")["data"]["PORT"] == "8000"


@pytest.mark.parametrize(
    ("template", "port", "said"),
    [
        (ports(TRITON[0]), 9000, "ports[0].containerPort: is 8000, but spec.serving.port is 9000"),
        (ports({"name": "web", "containerPort": 8080}), 8080, "no TCP port is called http"),
        (
            ports({"name": "http", "containerPort": 80, "protocol": "UDP"}),
            8080,
            "more than one port",
        ),
        (ports(TRITON[0], {"name": "http", "containerPort": 81}), 8080, "more than one port"),
        (ports({"$overlay": "replace"}), 8080, "no TCP port is called http"),
    ],
)
def test_the_port_called_http_is_neither_lost_nor_ambiguous(template, port, said):
    template = {"template": template, "port": port}
    spec = ModelDeploymentSpec.model_validate(
        changed(minimal(), {"spec.serving": template})["spec"]
    )
    assert said in (template_fault(spec) or "")


def test_another_port_beside_ours():
    served = model(ports=[{"name": "grpc", "containerPort": 9000}])["ports"]
    assert [port["name"] for port in served] == ["http", "grpc"]


# --- the time to stop -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grace", "delay"), [(120, 5), (6, 5), (5, 4), (3, 2), (2, 1), (1, None), (0, None)]
)
def test_the_delay_before_the_stop_fits_the_grace_period(grace, delay):
    containers = pod({"spec": {"terminationGracePeriodSeconds": grace}})["containers"]
    handler = containers[0].get("lifecycle", {}).get("preStop")
    assert handler == (None if delay is None else {"sleep": {"seconds": delay}})


@pytest.mark.parametrize(("wait", "grace"), [(2, 30), (10, 35), (60, 85)])
def test_a_longer_wait_lengthens_the_grace_period(wait, grace):
    handler = {"preStop": {"sleep": {"seconds": wait}}}
    spec = pod({"spec": {"containers": [{"name": "model", "lifecycle": handler}]}})
    assert spec["terminationGracePeriodSeconds"] == grace
    assert spec["containers"][0]["lifecycle"] == handler


def test_a_wait_that_is_longer_than_the_grace_period_is_refused():
    handler = {"preStop": {"sleep": {"seconds": 20}}}
    containers = [{"name": "model", "lifecycle": handler}]
    assert fault({"spec": {"containers": containers, "terminationGracePeriodSeconds": 10}}) == of(
        "lifecycle.preStop.sleep.seconds: is 20, but terminationGracePeriodSeconds is 10"
    )


# --- the table ------------------------------------------------------------------------------------


def test_the_table_leads_nowhere_but_to_types_that_it_has():
    mentioned = {shape.of for fields in SHAPES.values() for shape in fields.values()}
    assert mentioned - SHAPES.keys() == SCALARS
    keyed = [shape for fields in SHAPES.values() for shape in fields.values() if shape.keys]
    assert keyed
    for shape in keyed:
        assert {key.field for key in shape.keys} <= SHAPES[shape.of].keys()
