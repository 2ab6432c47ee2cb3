"""Who decides what runs in the pods answers for it: Deployments, Secrets and ServiceAccounts."""

import copy
import re
from typing import Any

import pytest
import yaml
from tests.rights.conftest import AUTHOR
from tests.support.manifests import minimal
from tests.support.overlays import fields_that_name_secrets, made_of
from tests.support.rights import (
    APPLY,
    CHART,
    JSON_PATCH,
    OPERATOR,
    Court,
    Manifest,
    Person,
    of,
    rule,
)

from davylamp.api.spec import ModelDeploymentSpec

DEPLOYS = rule("create", "apps/deployments")
DRY = "?dryRun=All"


def model(namespace: str, **spec: Any) -> Manifest:
    made = minimal(namespace=namespace)
    made["spec"].update(spec)
    return made


def overlaid(namespace: str, **pod: Any) -> Manifest:
    return model(namespace, serving={"template": {"spec": pod}})


def pod_of(**container: Any) -> dict[str, Any]:
    return {"containers": [{"name": "model", **container}]}


FROM_KEY = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "licence", "key": "x"}}}
PLAIN = {"name": "PLAIN", "value": "x"}
SIDECAR = {"name": "proxy", "image": "registry.example/proxy:1"}
PATHS: dict[str, tuple[dict[str, Any], str]] = {
    "listed": ({"secrets": [{"name": "licence"}]}, "spec.secrets"),
    "pinned": ({"secrets": [{"name": "licence", "policy": "Pin"}]}, "spec.secrets"),
    "pulled": (
        {
            "image": {
                "repository": "registry.example/m",
                "tag": "v1",
                "pullSecrets": ["licence"],
            }
        },
        "spec.image.pullSecrets",
    ),
}
OVERLAYS: dict[str, dict[str, Any]] = {
    "variable": pod_of(env=[PLAIN, FROM_KEY]),
    "all variables": pod_of(envFrom=[{"configMapRef": {"name": "x"}}, {"secretRef": {"name": "licence"}}]),
    "variable of a sidecar": {"containers": [{"name": "model"}, {**SIDECAR, "env": [FROM_KEY]}]},
    "variable of an init container": {"initContainers": [{**SIDECAR, "env": [FROM_KEY]}]},
    "volume": {"volumes": [{"name": "v", "secret": {"secretName": "licence"}}]},
    "projected volume": {
        "volumes": [
            {"name": "v", "projected": {"sources": [{"configMap": {"name": "x"}}, {"secret": {"name": "licence"}}]}}
        ]
    },
    "volume of a driver": {
        "volumes": [
            {"name": "v", "csi": {"driver": "x.example", "nodePublishSecretRef": {"name": "licence"}}}
        ]
    },
    "pulled by the overlay": {"imagePullSecrets": [{"name": "licence"}]},
}  # fmt: skip


def deployer(installed: Court, namespace: str, *more: Manifest, who: str = "dora") -> Person:
    """Somebody who may write ModelDeployments and create Deployments, and what else is said."""
    return installed.grant(who, namespace, AUTHOR, DEPLOYS, *more)


# --- Deployments -------------------------------------------------------------------------------


def test_who_may_only_write_modeldeployments_gets_no_pods(installed, namespace):
    tenant = installed.grant("tenant", namespace, AUTHOR)
    reply = tenant.create(namespace, model(namespace))
    assert reply.code == 403
    assert "spec: the operator makes Deployments of it" in reply.message
    assert f"kubectl auth can-i create deployments.apps -n {namespace}" in reply.message
    assert (
        installed.admin.ask(
            "GET", f"/apis/davylamp.dev/v1alpha1/namespaces/{namespace}/modeldeployments"
        ).content["items"]
        == []
    )
    assert deployer(installed, namespace).create(namespace, model(namespace)).code == 201


def test_neither_a_dry_run_nor_a_generated_name_nor_apply_is_a_way_round(installed, namespace):
    tenant = installed.grant("tenant", namespace, AUTHOR)
    assert tenant.create(namespace, model(namespace), query=DRY).code == 403
    generated = model(namespace)
    generated["metadata"] = {"generateName": "risk-"}
    assert tenant.create(namespace, generated).code == 403
    assert tenant.change(namespace, "risk", model(namespace), kind=APPLY).code == 403
    person = deployer(installed, namespace)
    assert person.create(namespace, generated).code == 201
    assert person.change(namespace, "risk", model(namespace), kind=APPLY).code == 201


def test_helm_test_may_ask_whether_a_model_would_be_taken_and_make_none(installed):
    namespace = installed.namespace("davylamp-system")
    tester = installed.grant(f"{OPERATOR}-selftest", namespace, AUTHOR)
    assert tester.create(namespace, model(namespace), query=DRY).code == 201
    assert tester.create(namespace, model(namespace)).code == 403


# --- Secrets -----------------------------------------------------------------------------------


def every_path(namespace: str) -> dict[str, tuple[Manifest, str]]:
    plain = {key: (model(namespace, **spec), path) for key, (spec, path) in PATHS.items()}
    deep = {
        key: (overlaid(namespace, **pod), "spec.serving.template") for key, pod in OVERLAYS.items()
    }
    return {**plain, **deep}


def test_a_secret_is_found_wherever_it_is_named(installed, namespace):
    person = deployer(installed, namespace)
    for key, (manifest, path) in every_path(namespace).items():
        reply = person.create(namespace, manifest, query=DRY)
        assert reply.code == 403, key
        assert f"{path}: pods would read the Secret licence" in reply.message, key
        assert f"kubectl auth can-i get secrets/licence -n {namespace}" in reply.message, key


def test_a_secret_is_found_in_each_field_of_the_definition_that_can_name_one(installed, namespace):
    """Whatever the table of fields gains, one of the policy's expressions has to know it."""
    person = deployer(installed, namespace)
    fields = list(fields_that_name_secrets())
    assert len(fields) >= 16
    for path, value in fields:
        template = made_of(path, value)
        reply = person.create(
            namespace, model(namespace, serving={"template": template}), query=DRY
        )
        assert "spec.serving.template: pods would read the Secret licence" in reply.message, path


@pytest.mark.parametrize("verb", ["get", "use"])
def test_who_may_read_or_use_the_secret_may_name_it(installed, namespace, verb):
    """`use` is a verb of no API: it lets a pipeline deploy what it cannot read itself."""
    granted = rule(verb, "/secrets", names=("licence",))
    person = deployer(installed, namespace, granted)
    for key, (manifest, _) in every_path(namespace).items():
        assert person.create(namespace, manifest, query=DRY).code == 201, key
    other = model(namespace, secrets=[{"name": "licence"}, {"name": "other"}])
    reply = person.create(namespace, other, query=DRY)
    assert "spec.secrets: pods would read the Secret other" in reply.message


def test_many_secrets_are_looked_up_one_by_one_up_to_ten(installed, namespace):
    """A policy may cost so much and no more: beyond that it takes the right to all of them."""
    names = tuple(f"s{n}" for n in range(20))
    person = deployer(installed, namespace, rule("use", "/secrets", names=names))
    ten = [{"name": name} for name in names[:10]]
    again = pod_of(envFrom=[{"secretRef": {"name": name}} for name in names[:10]])
    manifest = overlaid(namespace, **again)
    manifest["spec"]["secrets"] = ten
    assert person.create(namespace, manifest, query=DRY).code == 201
    manifest["spec"]["secrets"] = [{"name": name} for name in names]
    reply = person.create(namespace, manifest, query=DRY)
    assert "names more than 10 Secrets" in reply.message
    reader = deployer(installed, namespace, rule("get", "/secrets"), who="reader")
    assert reader.create(namespace, manifest, query=DRY).code == 201


def test_the_largest_overlay_stays_within_what_a_policy_may_cost(installed, namespace):
    """A refusal for its cost would be one that names neither field nor fix."""
    named = [
        {"name": f"N{n}", "valueFrom": {"secretKeyRef": {"name": f"s{n % 10}", "key": "x"}}}
        for n in range(100)
    ]
    containers = [{"name": "model", "env": named}]
    containers += [{"name": f"c{n}", "image": "x:1", "env": named} for n in range(9)]
    volumes = [{"name": f"v{n}", "secret": {"secretName": f"s{n % 10}"}} for n in range(50)]
    used = rule("use", "/secrets", "/serviceaccounts")
    person = deployer(installed, namespace, used)
    largest = overlaid(
        namespace,
        containers=containers,
        volumes=volumes,
        serviceAccountName="boss",
        serviceAccount="chief",
    )
    reply = person.create(namespace, largest, query=DRY)
    assert reply.code == 201, reply.message


NOTHING: dict[str, dict[str, Any]] = {
    "lists": {"containers": None, "initContainers": None, "volumes": None, "imagePullSecrets": None},
    "lists of containers": pod_of(env=None, envFrom=None),
    "variables": pod_of(env=[{"name": "X", "valueFrom": None}, {"name": "Y", "value": None}]),
    "sources of variables": pod_of(
        env=[{"name": "X", "valueFrom": {"secretKeyRef": None, "fieldRef": {"fieldPath": "metadata.name"}}}],
        envFrom=[{"secretRef": None, "configMapRef": {"name": "x"}}],
    ),
    "volumes": {
        "volumes": [
            {"name": "a", "secret": None, "emptyDir": {}},
            {"name": "b", "projected": {"sources": [{"secret": None, "configMap": {"name": "x"}}]}},
            {"name": "c", "projected": {"sources": None}},
            {"name": "d", "csi": {"driver": "x.example", "nodePublishSecretRef": None}},
        ]
    },
    "accounts": {"serviceAccountName": None},
    "names": {"imagePullSecrets": [{"name": "x", "$patch": "delete"}]},
    "directives": {"containers": [{"$patch": "replace"}, {"name": "model", "image": "x:1"}]},
}  # fmt: skip
"""Overlays that take defaults away: `null` is an answer where the definition lets it be one."""


@pytest.mark.parametrize("case", NOTHING)
def test_what_an_overlay_takes_away_refers_to_nothing(installed, namespace, case):
    """Nor is it refused with the words of an expression that could not be evaluated."""
    installed.namespace(namespace)
    person = deployer(installed, namespace, rule("use", "/secrets", names=("x",)))
    reply = person.create(namespace, overlaid(namespace, **NOTHING[case]), query=DRY)
    assert reply.code == 201, reply.message


@pytest.mark.parametrize("serving", [{}, {"template": {}}, {"template": {"spec": None}}])
def test_an_empty_overlay_refers_to_nothing(installed, namespace, serving):
    person = deployer(installed, namespace)
    reply = person.create(namespace, model(namespace, serving=serving), query=DRY)
    assert reply.code == 201, reply.message


# --- ServiceAccounts ---------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["serviceAccountName", "serviceAccount"])
@pytest.mark.parametrize("verb", ["impersonate", "use"])
def test_pods_act_as_nobody_whom_the_author_may_not_use(installed, namespace, verb, field):
    manifest = overlaid(namespace, **{field: "boss"})
    person = deployer(installed, namespace)
    reply = person.create(namespace, manifest, query=DRY)
    if reply.code == 400 or "unknown field" in reply.message or reply.code == 422:
        pytest.skip("the definition has no such field")
    assert "spec.serving.template.spec.serviceAccountName: pods would act as" in reply.message
    assert f"can-i impersonate serviceaccounts/boss -n {namespace}" in reply.message
    granted = rule(verb, "/serviceaccounts", names=("boss",))
    allowed = deployer(installed, namespace, granted, who="allowed")
    assert allowed.create(namespace, manifest, query=DRY).code == 201


# --- changes ------------------------------------------------------------------------------------


CHANGES: dict[str, dict[str, Any]] = {
    "image": {"image": {"tag": "v2"}},
    "config": {"config": {"LD_PRELOAD": "/tmp/x.so"}},
    "secrets": {"secrets": [{"name": "other"}]},
    "serving": {"serving": {"template": {"spec": pod_of(args=["--print-secrets"])}}},
    "metadata": {"metadata": {"annotations": {"inject.example/secret": "x"}}},
    "featureSnapshot": {"featureSnapshot": {"id": "2026-11-02"}},
    "seed": {"seed": 43},
    "explanations": {"explanations": {"repository": "registry.example/other"}},
}


@pytest.mark.parametrize("field", CHANGES)
def test_whoever_changes_what_runs_answers_for_its_secrets(installed, namespace, field):
    """New code in a pod reads what the pod's Secrets hold, whoever named them."""
    installed.admin.create(namespace, model(namespace, secrets=[{"name": "licence"}]))
    change = {"spec": CHANGES[field]}
    person = deployer(installed, namespace)
    assert person.change(namespace, "risk", change).code == 403
    pipeline = deployer(installed, namespace, rule("use", "/secrets"), who="pipeline")
    assert pipeline.change(namespace, "risk", change).code == 200
    tenant = installed.grant("tenant", namespace, AUTHOR)
    back = {"spec": {field: {"tag": "v3"} if field == "image" else None}}
    if field not in {"featureSnapshot", "seed"}:
        assert tenant.change(namespace, "risk", back).code == 403


def test_what_was_there_is_no_matter_for_whoever_changes_nothing_of_it(installed, namespace):
    secrets = [{"name": "licence"}]
    installed.admin.create(namespace, model(namespace, secrets=secrets))
    person = installed.grant(
        "operations",
        namespace,
        AUTHOR,
        rule("update", "davylamp.dev/modeldeployments/rollout", "davylamp.dev/modeldeployments/scale"),
    )  # fmt: skip
    for spec in ({"paused": True}, {"replicas": 3}, {"rollout": {"probation": "5m"}}):
        assert person.change(namespace, "risk", {"spec": spec}).code == 200, spec
    labels = {"metadata": {"labels": {"team": "risk"}}}
    assert person.change(namespace, "risk", labels).code == 200


def test_every_field_of_the_spec_is_somebodys_to_answer_for():
    """A new field has to be put into one of the lists of `templates/_admission.tpl`."""
    text = (CHART / "templates" / "_admission.tpl").read_text(encoding="utf-8")
    lists = [yaml.safe_load(line) for line in text.splitlines() if re.fullmatch(r"\[.*\]", line)]
    fields = {f.alias or name for name, f in ModelDeploymentSpec.model_fields.items()}
    assert {name for names in lists if names for name in names} | {"replicas"} == fields


def test_scale_is_a_right_of_its_own(installed, namespace):
    installed.admin.create(namespace, model(namespace, secrets=[{"name": "licence"}], replicas=2))
    scaler = installed.grant(
        "scaler", namespace, rule("get patch", "davylamp.dev/modeldeployments/scale")
    )
    assert scaler.change(namespace, "risk", {"spec": {"replicas": 3}}, sub="scale").code == 200
    assert scaler.change(namespace, "risk", {"spec": {"replicas": 4}}).code == 403


# --- the operator itself -----------------------------------------------------------------------


def test_the_operators_own_writes_pass(installed, namespace):
    """None of it is an exemption: it changes nothing of what somebody has to answer for."""
    operator = installed.person(OPERATOR)
    installed.admin.create(namespace, model(namespace, secrets=[{"name": "licence"}]))
    installed.admin.annotate(namespace, "risk", abort="x", by_abort="x bench")
    fill = [{"op": "add", "path": "/spec/replicas", "value": 1}]
    path = "/metadata/annotations/{}davylamp.dev~1abort"
    drop = [
        {"op": "test", "path": path.format(""), "value": "x"},
        {"op": "remove", "path": path.format("")},
    ]
    assert operator.change(namespace, "risk", fill, sub="scale", kind=JSON_PATCH).code == 200
    path_of = f"{of(namespace)}/risk"
    stored = installed.admin.ask("GET", path_of).content
    observed = {**stored, "status": {"observedGeneration": 1}}
    assert operator.ask("PUT", f"{path_of}/status", observed).code == 200
    assert operator.change(namespace, "risk", drop, kind=JSON_PATCH).code == 200


def test_the_operator_can_change_no_spec_although_it_may_patch(installed, namespace):
    """Its code never does; whoever took over its process could not either."""
    installed.admin.create(namespace, model(namespace))
    operator = installed.person(OPERATOR)
    for spec in ({"rollout": {"gates": []}}, {"image": {"tag": "v2"}}, {"replicas": 7}):
        reply = operator.change(namespace, "risk", {"spec": spec})
        assert reply.code == 403, spec
    assert "spec: the operator never changes it" in reply.message
    assert operator.annotate(namespace, "risk", promote="x").code == 403


def test_an_owner_that_does_not_exist_would_delete_the_object(installed, namespace):
    installed.admin.create(namespace, model(namespace))
    person = installed.grant(
        "patcher", namespace, rule("get patch", "davylamp.dev/modeldeployments")
    )
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "0"}
    owned = {"metadata": {"ownerReferences": [owner]}}
    reply = person.change(namespace, "risk", owned)
    assert reply.code == 403
    assert "metadata.ownerReferences: to change them needs the verb delete" in reply.message


def test_a_finalizer_that_nobody_takes_off_would_keep_the_object_for_ever(installed, namespace):
    installed.admin.create(namespace, model(namespace))
    patches = rule("get patch", "davylamp.dev/modeldeployments")
    person = installed.grant("patcher", namespace, patches)
    kept = {"metadata": {"finalizers": ["nobody.example/takes-it-off"]}}
    reply = person.change(namespace, "risk", kept)
    assert reply.code == 403
    assert "metadata.finalizers: to change them needs the verb delete" in reply.message
    own = rule("update", "davylamp.dev/modeldeployments/finalizers")
    controller = installed.grant("controller", namespace, patches, own)
    assert controller.change(namespace, "risk", kept).code == 200
    assert person.change(namespace, "risk", {"metadata": {"finalizers": None}}).code == 403
    deletes = installed.grant("deletes", namespace, AUTHOR)
    assert deletes.change(namespace, "risk", {"metadata": {"finalizers": None}}).code == 200


def test_what_is_no_secret_is_none_of_the_policys_business(installed, namespace):
    person = deployer(installed, namespace)
    harmless = copy.deepcopy(pod_of(env=[PLAIN], envFrom=[{"configMapRef": {"name": "x"}}]))
    harmless["volumes"] = [{"name": "v", "emptyDir": {}}, {"name": "c", "configMap": {"name": "x"}}]
    assert person.create(namespace, overlaid(namespace, **harmless)).code == 201
    assert person.create(namespace, {**model(namespace), "metadata": {"name": "plain"}}).code == 201


def test_neither_status_nor_scale_is_a_way_to_give_commands(installed, namespace):
    """No policy looks at subresources: the API server keeps everything else as it was there."""
    installed.admin.create(namespace, model(namespace, replicas=2))
    path = f"{of(namespace)}/risk"
    person = installed.grant(
        "writer", namespace, rule("get patch update", "davylamp.dev/modeldeployments/status", "davylamp.dev/modeldeployments/scale")
    )  # fmt: skip
    stored = installed.admin.ask("GET", path).content
    stored["metadata"]["annotations"] = {"davylamp.dev/promote": "x"}
    stored["spec"]["image"]["tag"] = "evil"
    assert person.ask("PUT", f"{path}/status", stored).code == 200
    given = {"metadata": {"annotations": {"davylamp.dev/promote": "x"}}, "spec": {"replicas": 3}}
    assert person.change(namespace, "risk", given, sub="scale").code in {200, 403, 422}
    assert person.change(namespace, "risk", given, sub="status").code == 200
    now = installed.admin.ask("GET", path).content
    assert "annotations" not in now["metadata"]
    assert now["spec"]["image"]["tag"] == "3f2c1ab"
