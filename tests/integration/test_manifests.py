"""The objects of a revision as the real API server accepts and stores them."""

from datetime import UTC, datetime

import pytest
from tests.support.kube import kubectl
from tests.support.manifests import Manifest, changed, full, minimal

from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.api import names
from davylamp.api.explanations import Explanations
from davylamp.api.names import Reason
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.manifests import (
    Owner,
    config_map_of,
    deployment_of,
    disruption_budget,
    event,
    pinned_secret,
    record,
    says_the_same,
)
from davylamp.manifests.nightly import candidate_job, cron_job
from davylamp.rollout import Notice, Route, identify
from davylamp.rollout.routing.service_pods import ServicePods
from davylamp.schema.json import JsonObject

PINNED = {"licence.key": ["key", "tls.crt"]}
SOURCES = {"licence.key": {"key": "c2VjcmV0", "tls.crt": "Y2VydA=="}}
NOTICE = Notice(Reason.ROLLED_BACK, "rolled back " + "x" * 2000, "4be2000000", "Warning")
COMPARED = ("spec", "data", "immutable", "metadata", "revision", "type")


def children(owner: Owner, spec: ModelDeploymentSpec) -> list[JsonObject]:
    """Everything a revision needs, in the order it is made."""
    ref = identify(spec, {})
    pinned = PINNED if spec.secrets else {}
    made = record(owner, ref, spec, number=1, pinned=pinned)
    route = Route(stable=ref.revision, candidate=None, opened=False)
    explanations = spec.explanations or Explanations()
    secret = [pinned_secret(owner, ref, SOURCES)] if spec.secrets else []
    return [
        made,
        *secret,
        config_map_of(owner, made),
        deployment_of(owner, made, 0),
        *ServicePods().objects(owner, route),
        disruption_budget(owner, ref.revision),
        cron_job(owner, ref, made, explanations),
        candidate_job(owner, ref, made, explanations, rollout="2026-11-01T03:00:00+00:00"),
    ]


def spec_of(manifest: Manifest) -> ModelDeploymentSpec:
    return ModelDeploymentSpec.model_validate(manifest["spec"])


def name_of(manifest: JsonObject) -> str:
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)
    return str(metadata["name"])


SPECS = {
    "minimal": minimal(),
    "full": full(),
    "odd quantities": changed(
        minimal(),
        {
            "spec.serving": {
                "resources": {
                    "requests": {"cpu": "1000m", "memory": "1024Mi"},
                    "limits": {"cpu": 2, "memory": "1.5Gi"},
                }
            }
        },
    ),
    "long tag": changed(minimal(), {"spec.image.tag": f"_{'x' * 126}-"}),
}


@pytest.mark.parametrize("manifest", SPECS.values(), ids=SPECS.keys())
def test_every_object_is_accepted_without_a_warning(manifest: Manifest, namespace: str) -> None:
    """In a namespace that enforces pod security `restricted`; a warning would be an error."""
    owner = Owner("risk", namespace, "2f1c6f0e-9a3e-4a27-8f43-3f7a9a1c0000")
    notice = event(owner, NOTICE, now=datetime.now(UTC), reporter="davylamp-0")
    everything = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [*children(owner, spec_of(manifest)), notice],
    }

    dry = ("--dry-run=server", "--warnings-as-errors", "-o", "name")
    applied = kubectl("apply", "--server-side", *dry, "-f", "-", stdin=everything)

    assert applied.code == 0, applied.err
    assert applied.err == ""
    assert len(applied.out.splitlines()) == len(everything["items"])


def disowned(manifest: JsonObject) -> JsonObject:
    """The same without an owner, and without what would make an operator look at it."""
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)
    labels = metadata["labels"]
    assert isinstance(labels, dict)
    kept = {key: value for key, value in labels.items() if key != names.LABEL_MANAGED_BY}
    name, namespace = metadata["name"], metadata["namespace"]
    return {**manifest, "metadata": {"name": name, "namespace": namespace, "labels": kept}}


def ours(manifest: JsonObject) -> JsonObject:
    return {key: manifest[key] for key in COMPARED if key in manifest}


@pytest.mark.parametrize("case", SPECS)
async def test_what_is_stored_has_what_was_applied(
    case: str, cluster: KubernetesCluster, namespace: str
) -> None:
    """Otherwise every pass over an idle object would write again (P9)."""
    owner = Owner(f"risk-{case.replace(' ', '-')}", namespace, "")

    for child in map(disowned, children(owner, spec_of(SPECS[case]))):
        stored = await cluster.apply(child)
        assert says_the_same(ours(stored), ours(child)), name_of(child)


async def test_another_spelling_does_not_change_at_the_second_write(
    cluster: KubernetesCluster, namespace: str
) -> None:
    """The API server stores quantities in its own spelling, and they stay as they are."""
    owner = Owner("risk-odd", namespace, "")
    deployment = next(
        disowned(child)
        for child in children(owner, spec_of(SPECS["odd quantities"]))
        if child["kind"] == "Deployment"
    )

    first = await cluster.apply(deployment)
    second = await cluster.apply(deployment)

    assert first["spec"] != deployment["spec"]
    assert second["spec"] == first["spec"]
    assert _generation(first) == _generation(second)


async def test_the_record_cannot_be_changed(cluster: KubernetesCluster, namespace: str) -> None:
    owner = Owner("risk-record", namespace, "")
    made = disowned(children(owner, spec_of(minimal()))[0])
    await cluster.apply(made)

    other = disowned(children(owner, spec_of(changed(minimal(), {"spec.seed": 43})))[0])
    applied = kubectl(
        "apply", "--server-side", "-f", "-", stdin={**other, "metadata": made["metadata"]}
    )

    assert applied.code != 0
    assert "data" in applied.err


def _generation(manifest: JsonObject) -> object:
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)
    return metadata["generation"]
