"""What a revision is made of, and what may come out of a record."""

import copy
import json

import pytest
from tests.support.manifests import changed, full, minimal

from davylamp.api.identity import label_value
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.manifests import (
    Owner,
    config_map_of,
    deployment_of,
    has_pinned,
    is_whole,
    pinned_secret,
    record,
    recorded,
)
from davylamp.rollout import identify

OWNER = Owner("risk", "models", "uid-1")
PINNED = {"licence.key": ["key", "tls.crt"]}


def made(manifest: dict, pinned: dict | None = None) -> dict:
    spec = ModelDeploymentSpec.model_validate(manifest["spec"])
    return record(OWNER, identify(spec, {}), spec, number=1, pinned=pinned or {})


def pod_spec(manifest: dict, pinned: dict | None = None) -> dict:
    return deployment_of(OWNER, made(manifest, pinned), 1)["spec"]["template"]["spec"]


def container(manifest: dict, pinned: dict | None = None) -> dict:
    return pod_spec(manifest, pinned)["containers"][0]


def test_the_deployment_is_the_recorded_one_with_a_number_of_pods():
    kept = made(minimal())
    before = copy.deepcopy(kept)
    assert deployment_of(OWNER, kept, 7)["spec"]["replicas"] == 7
    assert kept == before


def test_every_object_of_a_revision_has_its_name_labels_and_owner():
    kept = made(minimal())
    revision = kept["metadata"]["labels"]["davylamp.dev/revision"]
    for each in (kept, config_map_of(OWNER, kept), deployment_of(OWNER, kept, 1)):
        metadata = each["metadata"]
        assert (metadata["name"], metadata["namespace"]) == (f"risk-{revision}", "models")
        assert metadata["labels"]["davylamp.dev/model"] == "risk"
        assert metadata["labels"]["app.kubernetes.io/version"] == "3f2c1ab"
        assert [owner["uid"] for owner in metadata["ownerReferences"]] == ["uid-1"]


IDENTITY = {"ownerReferences", "uid", "resourceVersion", "creationTimestamp", "managedFields"}


def identities(node: object) -> set[str]:
    """Keys that say whose something is, anywhere in it."""
    if isinstance(node, dict):
        inner = [identities(value) for value in node.values()]
        return (IDENTITY & node.keys()).union(*inner)
    return set().union(*map(identities, node)) if isinstance(node, list) else set()


def test_a_record_holds_no_identity():
    kept = made(full(), PINNED)
    assert identities(kept["data"]) == set()


@pytest.mark.parametrize("part", ["configMap", "deployment"])
def test_what_comes_out_of_an_old_record_is_its_owners_of_today(part):
    """Earlier versions recorded the owner; a restored record may say more, and another namespace."""
    kept = made(minimal())
    old = {
        "ownerReferences": [{"uid": "uid-of-then", "controller": True}],
        "uid": "uid-of-the-object",
        "resourceVersion": "7",
        "namespace": "models-of-then",
    }
    for key, value in old.items():
        kept["data"][part]["metadata"][key] = value
    out = {"configMap": config_map_of(OWNER, kept), "deployment": deployment_of(OWNER, kept, 2)}
    metadata = out[part]["metadata"]
    assert metadata.keys() == {"name", "namespace", "labels", "ownerReferences"}
    assert metadata["namespace"] == "models"
    assert metadata["ownerReferences"] == [OWNER.reference()]


def test_pods_are_restricted_and_leave_before_they_stop():
    spec = pod_spec(minimal())
    model = spec["containers"][0]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert model["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert model["lifecycle"]["preStop"]["sleep"]["seconds"] < spec["terminationGracePeriodSeconds"]
    assert model["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_container_is_told_what_it_is():
    said = recorded(made(full(), PINNED), "configMap")
    assert said["immutable"] is True
    assert said["data"]["DAVYLAMP_IMAGE_TAG"] == "v1.2_3f2c1ab"
    assert said["data"]["DAVYLAMP_SEED"] == str(2**53 - 1)
    assert said["data"]["OMP_NUM_THREADS"] == "1"
    assert said["data"]["PORT"] == "9000"


def test_a_port_in_the_config_of_before_is_not_the_one_that_is_listened_on():
    kept = made(changed(minimal(), {"spec.config": {"PORT": "1", "LEVEL": "info"}}))
    assert recorded(kept, "configMap")["data"].items() >= {"PORT": "8080", "LEVEL": "info"}.items()


def test_a_digest_wins_over_the_tag():
    assert container(full(), PINNED)["image"].endswith(f":v1.2_3f2c1ab@sha256:{'ab' * 32}")
    assert container(minimal())["image"] == "registry.example/diabetes-risk:3f2c1ab"


def test_secrets_that_are_followed_are_mounted_pinned_ones_from_the_revisions_own_copy():
    spec = pod_spec(full(), PINNED)
    sources = [v["secret"] for v in spec["volumes"] if "secret" in v]
    name = made(full(), PINNED)["metadata"]["name"]
    assert sources == [
        {"secretName": "feature-store"},
        {
            "secretName": name,
            "items": [
                {"key": "licence.key_key", "path": "key"},
                {"key": "licence.key_tls.crt", "path": "tls.crt"},
            ],
        },
    ]
    mounts = [
        m["mountPath"] for m in spec["containers"][0]["volumeMounts"] if "secret" in m["name"]
    ]
    assert mounts == [
        "/etc/davylamp/secrets/feature-store",
        "/etc/davylamp/secrets/licence.key",
    ]


def test_the_copy_is_immutable_and_the_record_has_nothing_of_it():
    spec = ModelDeploymentSpec.model_validate(full()["spec"])
    secret = pinned_secret(OWNER, identify(spec, {}), {"licence.key": {"key": "c2VjcmV0"}})
    assert secret["immutable"] is True
    assert secret["data"] == {"licence.key_key": "c2VjcmV0"}
    assert "c2VjcmV0" not in str(made(full(), PINNED))


def test_p8_the_copy_of_an_earlier_version_is_mounted_by_the_keys_that_its_record_has():
    """Keys were once joined by a dot, by which two entries could share one."""
    old = made(full(), PINNED)
    text = json.dumps(old).replace("licence.key_", "licence.key.")
    volumes = deployment_of(OWNER, json.loads(text), 1)["spec"]["template"]["spec"]["volumes"]
    items = [item["key"] for v in volumes for item in v.get("secret", {}).get("items", [])]
    assert items == ["licence.key.key", "licence.key.tls.crt"]


def test_two_pinned_secrets_never_share_a_key():
    sources = {"db": {"prod.password": "QQ=="}, "db.prod": {"password": "Qg=="}}
    spec = ModelDeploymentSpec.model_validate(full()["spec"])
    copy = pinned_secret(OWNER, identify(spec, {}), sources)
    assert copy["data"] == {"db_prod.password": "QQ==", "db.prod_password": "Qg=="}


def test_only_what_pins_has_a_secret_of_its_own():
    assert has_pinned(made(full(), PINNED))
    assert not has_pinned(made(minimal()))
    follows = changed(minimal(), {"spec.secrets": [{"name": "feature-store"}]})
    assert not has_pinned(made(follows))


def test_labels_are_not_the_overlays_to_change():
    overlay = {"metadata": {"labels": {"davylamp.dev/revision": "stable", "team": "risk"}}}
    manifest = changed(minimal(), {"spec.serving": {"template": overlay}})
    labels = deployment_of(OWNER, made(manifest), 1)["spec"]["template"]["metadata"]["labels"]
    assert labels["team"] == "risk"
    assert labels["davylamp.dev/revision"] != "stable"


def test_a_long_tag_is_still_a_label():
    assert label_value(f"_{'x' * 126}-") == "x" * 62
    assert label_value("v1.2_3f2c1ab") == "v1.2_3f2c1ab"


def test_our_own_record_is_whole():
    assert is_whole(OWNER, made(minimal()))


@pytest.mark.parametrize(
    "change",
    [
        {"data": {}},
        {"data.intent": None},
        {"data.deployment": None},
        {"data.deployment.kind": "DaemonSet"},
        {"data.deployment.spec.selector.matchLabels": {"davylamp.dev/model": "other"}},
        {"data.deployment.metadata.name": "coredns"},
        {"data.configMap.kind": "ClusterRoleBinding"},
        {"data.configMap.apiVersion": "v2"},
        {"metadata.name": "risk-0123456789"},
        {"metadata.namespace": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_record_that_would_make_anything_else_is_not(change):
    assert not is_whole(OWNER, changed(made(minimal()), change))


def test_what_a_record_lacks_is_said():
    with pytest.raises(ValueError, match=r"data\.intent"):
        recorded({"data": {}}, "intent")
