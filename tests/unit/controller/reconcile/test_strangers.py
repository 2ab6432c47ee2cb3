"""A pod that somebody made by hand, with a revision's labels, is no pod of that revision."""

import copy

from tests.support.kubelets import Health
from tests.support.operation import QUICK, Land

from davylamp.api.status import Stage

PLAN = {**QUICK, "gates": [], "steps": [{"weight": 50, "hold": "5s"}]}


def stranger(land: Land, revision: str, *, ip: str = "10.99.0.9") -> None:
    """A ready pod with all labels of a revision's pods, which no Deployment made."""
    pod = copy.deepcopy(land.kubelets.pods(revision)[0])
    parent = land.cluster.one("ModelDeployment", "risk")
    made_by = {"apiVersion": "davylamp.dev/v1alpha1", "kind": "ModelDeployment", "name": "risk"}
    pod["metadata"] |= {
        "name": f"{pod['metadata']['name'][:-5]}99999",
        "uid": "stranger",
        "ownerReferences": [{**made_by, "uid": parent["metadata"]["uid"], "controller": True}],
    }
    moment = pod["status"]["startTime"]
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": moment}
    pod["status"] |= {"phase": "Running", "podIP": ip, "conditions": [ready]}
    land.cluster.put(pod)


async def test_a_pod_made_by_hand_does_not_make_a_revision_ready_and_is_asked_nothing():
    land = Land()
    land.apply("v1", rollout=PLAN)
    await land.settle()
    asked = len(land.models.asked)
    land.kubelets.health["v2"] = Health.NEVER_READY
    land.apply("v2", rollout=PLAN)
    await land.until(lambda: bool(land.status().candidate), within=10)
    candidate = land.status().candidate
    await land.until(lambda: bool(land.kubelets.pods(candidate.revision)), within=10)
    stranger(land, candidate.revision)
    await land.run(60)
    candidate = land.status().candidate
    assert candidate.stage is Stage.PREPARING
    assert len(land.models.asked) == asked


async def test_a_pod_made_by_hand_does_not_count_as_one_of_stables():
    land = Land()
    land.apply("v1", rollout=PLAN)
    await land.settle()
    before = land.status().ready_replicas
    stranger(land, land.status().stable.revision)
    await land.run(10)
    assert land.status().ready_replicas == before
