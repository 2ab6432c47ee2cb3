"""Children without a living owner are taken over as they are; what is somebody else's is let alone."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.fakecluster import Address, Write
from tests.support.operation import NAMESPACE, QUICK, Land, written

from davylamp.api.names import KIND, NO_REVISION
from davylamp.manifests import revisions
from davylamp.manifests.pods import pod_template

Json = dict[str, Any]
PARENT = Address(KIND, NAMESPACE, "risk")
CHILDREN = ("ControllerRevision", "Deployment", "ConfigMap", "Service", "PodDisruptionBudget")
PLAN = {**QUICK, "gates": [], "steps": [{"weight": 50, "hold": "5s"}]}


async def served(**changes: object) -> Land:
    land = Land()
    land.apply("v1", **changes)
    await land.settle()
    return land


def owners(land: Land) -> set[str]:
    """Uids of all owners of children."""
    items = [item for kind in CHILDREN for item in land.cluster.find(kind)]
    return {o["uid"] for item in items for o in item["metadata"].get("ownerReferences", [])}


def pod_uids(land: Land) -> set[str]:
    return {pod["metadata"]["uid"] for pod in land.cluster.find("Pod")}


def selected(land: Land, service: str = "risk") -> str | None:
    selector = land.cluster.one("Service", service)["spec"]["selector"]
    return selector.get("davylamp.dev/revision")


def lose_parent(land: Land) -> None:
    """Delete the ModelDeployment; the garbage collector has not run yet, so children keep its uid."""
    item = land.cluster.objects.pop(PARENT)
    for watch in land.cluster.watches:
        watch.tell("DELETED", {**item, "metadata": {**item["metadata"], "resourceVersion": "9999"}})
    land.cluster.version = max(land.cluster.version, 9999)


def strip_owners(item: Json) -> None:
    item["metadata"].pop("ownerReferences", None)


def restore_elsewhere(land: Land) -> None:
    """As a backup of another cluster is restored: new uids, no owners, no field managers of ours."""
    lose_parent(land)
    for kind in CHILDREN:
        for item in land.cluster.find(kind):
            land.cluster.edit(kind, item["metadata"]["name"], strip_owners)
    land.cluster.ours.clear()


def orphan(land: Land) -> None:
    land.cluster.orphan(PARENT)


LOSSES: list[Callable[[Land], None]] = [orphan, lose_parent, restore_elsewhere]


async def watched(land: Land, ticks: int, *, tags: set[str]) -> None:
    """Let time pass, and the garbage collector work; traffic must never leave these tags."""
    for _ in range(ticks):
        await land.tick()
        land.cluster.collect()
        assert land.serving() <= tags
        assert land.serving(), f"nothing serves: {selected(land)}"


# --- taken over ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
async def test_children_that_were_left_are_adopted_once_and_serve_on(lose, restarted):
    land = await served(rollout=PLAN)
    pods, writes, told = pod_uids(land), len(land.cluster.writes), len(land.told())
    lose(land)
    await land.run(3)
    if restarted:
        land.restart()
    land.apply("v1", rollout=PLAN, replicas=4)
    await watched(land, 30, tags={"v1"})
    assert land.condition("Ready")[:2] == ("True", "Serving")
    assert pod_uids(land) == pods
    assert owners(land) == {land.parent()["metadata"]["uid"]}
    assert land.told()[told:] == ["Adopted", "Resumed"]
    verbs = [w.verb for w in land.cluster.writes[writes:] if w.kind not in {KIND, "Event"}]
    assert set(verbs) == {"patch"}, "they are taken over as they are"
    assert len(verbs) == len([i for k in CHILDREN for i in land.cluster.find(k)])
    message = next(e["message"] for e in land.cluster.events if e["reason"] == "Adopted")
    assert "3 Services" in message
    assert "1 Deployment" in message


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
async def test_what_served_before_is_stable_and_another_revision_gets_its_canary(lose):
    land = await served(rollout=PLAN)
    lose(land)
    await land.run(2)
    land.apply("v2", rollout=PLAN, replicas=4)
    await watched(land, 3, tags={"v1"})
    assert land.stable() == "v1"
    await watched(land, 60, tags={"v1", "v2"})
    await land.settle()
    assert (land.stable(), land.serving()) == ("v2", {"v2"})
    assert land.outcomes() == [("v2", "Promoted"), ("v1", "Promoted")]


async def test_a_canary_that_was_under_way_is_made_again_beside_the_same_stable():
    land = await served(rollout=PLAN)
    land.apply("v2", rollout={**PLAN, "steps": [{"weight": 50, "pause": True}]})
    await land.until(lambda: land.serving() == {"v1", "v2"})
    orphan(land)
    await land.run(2)
    land.apply("v2", rollout=PLAN, replicas=4)
    await watched(land, 5, tags={"v1", "v2"})
    assert land.stable() == "v1"
    await land.settle()
    assert land.serving() == {"v2"}


async def test_without_its_record_what_serves_goes_on_until_the_target_can():
    land = await served(rollout=PLAN)
    orphan(land)
    for item in land.cluster.find("ControllerRevision"):
        land.cluster.drop(Address("ControllerRevision", NAMESPACE, item["metadata"]["name"]))
    await land.run(2)
    land.apply("v2", rollout=PLAN, replicas=4)
    await watched(land, 40, tags={"v1", "v2"})
    await land.settle()
    assert land.serving() == {"v2"}
    assert land.running() == {"v2": 4}


async def test_the_same_revision_without_its_record_keeps_its_pods_in_traffic():
    land = await served(rollout=PLAN)
    pods = pod_uids(land)
    orphan(land)
    for item in land.cluster.find("ControllerRevision"):
        land.cluster.drop(Address("ControllerRevision", NAMESPACE, item["metadata"]["name"]))
    await land.run(2)
    land.apply("v1", rollout=PLAN, replicas=4)
    await watched(land, 30, tags={"v1"})
    assert land.condition("Ready")[:2] == ("True", "Serving")
    assert pod_uids(land) == pods


async def test_flight_records_and_copies_of_secrets_are_taken_over_too():
    land = Land()
    metadata = {"name": "licence", "namespace": NAMESPACE}
    land.cluster.put(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"k": "b"}}
    )
    pin = [{"name": "licence", "policy": "Pin"}]
    land.apply("v1", rollout=QUICK, secrets=pin)
    await land.settle()
    land.apply("v2", secrets=pin)
    await land.settle()
    lose_parent(land)
    await land.run(2)
    land.apply("v2", rollout=QUICK, replicas=4, secrets=pin)
    await watched(land, 20, tags={"v2"})
    uid = land.parent()["metadata"]["uid"]
    kept = [i for k in ("Secret", "ConfigMap") for i in land.cluster.find(k)]
    unowned = [i["metadata"]["name"] for i in kept if not i["metadata"].get("ownerReferences")]
    assert unowned == ["licence"], "a Secret of somebody else stays somebody else's"
    assert len([i for i in kept if i["metadata"]["name"].endswith("-flight")]) == 1
    assert {o["uid"] for i in kept for o in i["metadata"].get("ownerReferences", [])} == {uid}


async def test_owner_references_that_somebody_takes_away_are_put_back_a_few_times_only():
    land = await served()

    def strip(write: Write) -> None:
        if write.verb == "patch":
            land.cluster.edit(write.kind, write.name, strip_owners)

    land.cluster.after.append(strip)
    land.cluster.edit("Service", "risk-canary", strip_owners)
    await land.run(50)
    patched = [w for w in land.cluster.writes if w.verb == "patch"]
    assert len(patched) == 5
    assert land.serving() == {"v1"}


async def test_a_living_owner_beside_us_stays():
    land = await served()
    other = land.cluster.put(secret_of("other"))
    reference = {"apiVersion": "v1", "kind": "Secret", "name": "other", "uid": uid_of(other)}

    def share(item: Json) -> None:
        item["metadata"]["ownerReferences"].append(reference)

    land.cluster.edit("Service", "risk-canary", share)
    writes = len(land.cluster.writes)
    await land.run(5)
    assert len(land.cluster.writes) == writes
    assert land.condition("Ready")[0] == "True"


def secret_of(name: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
    }


def uid_of(item: Json) -> str:
    uid: str = item["metadata"]["uid"]
    return uid


# --- records of earlier versions ----------------------------------------------------------------


def with_owner_in_record(land: Land, uid: str) -> None:
    """Records as versions before wrote them: what is rendered names its owner."""
    for item in land.cluster.find("ControllerRevision"):
        old = copy.deepcopy(item)
        for part in ("configMap", "deployment"):
            reference = {"apiVersion": "davylamp.dev/v1alpha1", "kind": KIND, "name": "risk"}
            reference |= {"uid": uid, "controller": True, "blockOwnerDeletion": False}
            old["data"][part]["metadata"]["ownerReferences"] = [reference]
        land.cluster.put(old)


async def test_p8_records_that_name_their_owner_are_read_as_they_are():
    land = await served()
    with_owner_in_record(land, uid_of(land.parent()))
    writes = len(land.cluster.writes)
    land.restart()
    await land.run(20)
    assert written(land)[writes:] == []


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
async def test_a_record_that_names_a_dead_owner_makes_nothing_that_is_collected(lose):
    """The garbage collector deletes what a dead owner is stamped on, and it would be made again."""
    land = await served(rollout=PLAN)
    with_owner_in_record(land, uid_of(land.parent()))
    pods, made = pod_uids(land), land.kubelets.made
    lose(land)
    await land.run(2)
    land.apply("v1", rollout=PLAN, replicas=4)
    await watched(land, 40, tags={"v1"})
    assert (pod_uids(land), land.kubelets.made) == (pods, made)


# --- somebody else's ----------------------------------------------------------------------------


def foreign(kind: str, name: str, **metadata: object) -> Json:
    described = {"name": name, "namespace": NAMESPACE, "labels": {}, **metadata}
    version = {"Service": "v1", "ConfigMap": "v1", "Deployment": "apps/v1"}
    spec: Json = {"selector": {"app": "other"}}
    if kind == "Deployment":
        spec |= {
            "replicas": 0,
            "template": {"metadata": {"labels": {}}, "spec": {"containers": []}},
        }
    return {
        "apiVersion": version.get(kind, "policy/v1"),
        "kind": kind,
        "metadata": described,
        **({"data": {}} if kind == "ConfigMap" else {"spec": spec}),
    }


RELEASE = {
    "apiVersion": "helm.toolkit.fluxcd.io/v2",
    "kind": "HelmRelease",
    "name": "web",
    "uid": "h",
}
HELM = {"annotations": {"meta.helm.sh/release-name": "web"}}


@pytest.mark.parametrize("name", ["risk", "risk-stable", "risk-canary"])
@pytest.mark.parametrize(
    ("metadata", "holder"),
    [
        ({"ownerReferences": [RELEASE]}, "it belongs to HelmRelease web"),
        (HELM, "it belongs to Helm release web"),
        ({"managedFields": [{"manager": "kubectl"}]}, "nobody owns it, kubectl made it"),
        ({"labels": {"davylamp.dev/model": "other"}}, "ModelDeployment other by its labels"),
    ],
    ids=["owner", "Helm", "nobody", "labels"],
)
async def test_a_service_of_somebody_else_is_named_and_never_touched(name, metadata, holder):
    land = Land()
    theirs = land.cluster.put(foreign("Service", name, **metadata))
    land.apply("v1")
    await land.run(30)
    stalled = land.condition("Obstructed")
    assert stalled[1] == "NameTaken"
    assert f"Service {name} exists already and is not ours" in stalled[2]
    assert holder in stalled[2]
    assert land.cluster.one("Service", name) == theirs
    assert not land.cluster.find("Deployment"), "nothing is made that could not be reached"


@pytest.mark.parametrize("kind", ["Deployment", "ConfigMap", "PodDisruptionBudget"])
async def test_any_child_of_a_living_owner_is_named(kind):
    before = await served()
    name = next(iter(before.cluster.find(kind)))["metadata"]["name"]
    land = Land()
    labels = before.cluster.one(kind, name)["metadata"]["labels"]
    theirs = land.cluster.put(foreign(kind, name, ownerReferences=[RELEASE], labels=labels))
    land.apply("v1")
    await land.run(30)
    assert land.condition("Obstructed")[1] == "NameTaken"
    assert f"{kind} {name} exists already" in land.condition("Obstructed")[2]
    assert "HelmRelease web" in land.condition("Obstructed")[2]
    assert land.cluster.one(kind, name) == theirs


async def test_an_owner_of_a_known_kind_is_asked_for_and_only_a_dead_one_is_passed_over():
    land = await served()
    other = land.cluster.put(secret_of("other"))
    reference = {"apiVersion": "v1", "kind": "Secret", "name": "other", "uid": uid_of(other)}

    def give_away(item: Json) -> None:
        item["metadata"]["ownerReferences"] = [{**reference, "controller": True}]

    land.cluster.edit("Service", "risk-canary", give_away)
    await land.run(20)
    assert "Secret other" in land.condition("Obstructed")[2]
    land.cluster.objects.pop(Address("Secret", NAMESPACE, "other"))
    await land.run(30)
    land.operator.wake(land.operator.cache.parents()[0])
    await land.run(5)
    assert land.condition("Obstructed") is None
    assert owners(land) == {uid_of(land.parent())}


async def test_models_whose_names_collide_do_not_fight():
    land = Land()
    land.apply("v1", rollout=PLAN)
    await land.settle()
    land.apply("v1", name="risk-canary", rollout=PLAN, replicas=1)
    await land.run(30)
    other = land.status("risk-canary").conditions
    stalled = next(c for c in other if c.type == "Obstructed")
    assert (stalled.reason, land.condition("Ready")[0]) == ("NameTaken", "True")
    assert "it belongs to ModelDeployment risk" in stalled.message
    assert land.serving() == {"v1"}
    models = [
        d["metadata"]["labels"]["davylamp.dev/model"] for d in land.cluster.find("Deployment")
    ]
    assert models == ["risk"], "the other one makes nothing"
    events, writes = len(land.cluster.events), len(land.cluster.writes)
    await land.run(60)
    assert len(land.cluster.events) == events
    assert len(land.cluster.writes) <= writes + 1


async def test_a_service_is_handed_over_by_our_labels_and_keeps_its_traffic_until_we_serve():
    land = Land()
    land.cluster.put(foreign("Service", "risk"))
    land.apply("v1", rollout=PLAN)
    await land.run(5)
    command = land.condition("Obstructed")[2]
    assert "kubectl label --overwrite service/risk" in command
    labels = {"app.kubernetes.io/managed-by": "davylamp", "davylamp.dev/model": "risk"}
    assert all(f"{key}={value}" in command for key, value in labels.items())
    land.cluster.edit("Service", "risk", lambda item: item["metadata"]["labels"].update(labels))
    for _ in range(60):
        await land.tick()
        assert selected(land) != NO_REVISION
    assert land.serving() == {"v1"}
    assert "Adopted" in land.told()


# --- whatever goes wrong, nothing is made in a loop ----------------------------------------------


@pytest.mark.parametrize("kind", ["Deployment", "ConfigMap", "Service", "PodDisruptionBudget"])
async def test_what_is_deleted_again_and_again_is_made_a_few_times_only(kind):
    land = Land()

    def delete(write: Write) -> None:
        if (write.verb, write.kind) == ("apply", kind):
            land.cluster.drop(Address(kind, NAMESPACE, write.name))

    land.cluster.after.append(delete)
    land.apply("v1", replicas=1)
    await land.run(50)
    assert most_made(land) == 5
    assert land.condition("Obstructed")[1] == "CreationLoop"
    assert f"{kind} risk" in land.condition("Obstructed")[2]
    labels = {"namespace": NAMESPACE, "name": "risk", "reason": "CreationLoop"}
    registry = land.operator.metrics.registry
    assert registry.get_sample_value("davylamp_refused_writes", labels) >= 1
    assert land.told().count("CreationLoop") == 1
    await land.run(60)
    assert 5 < most_made(land) <= 10


def most_made(land: Land) -> int:
    applied = [(w.kind, w.name) for w in land.cluster.writes if w.verb == "apply"]
    return max(applied.count(made) for made in set(applied))


@pytest.mark.parametrize("key", ["app.kubernetes.io/managed-by", "davylamp.dev/model"])
async def test_what_a_policy_takes_our_labels_from_is_told_and_made_once(key, monkeypatch):
    land = Land()
    applied = land.cluster.applied

    def admitted(manifest: Json) -> Json:
        manifest = copy.deepcopy(manifest)
        if manifest["kind"] == "Deployment":
            del manifest["metadata"]["labels"][key]
        return applied(manifest)

    monkeypatch.setattr(land.cluster, "applied", admitted)
    land.apply("v1", replicas=1)
    await land.run(50)
    told = land.condition("Obstructed")
    assert told[1] == "WriteRefused"
    assert "an admission policy or a webhook changes what is applied" in told[2]
    assert len(land.cluster.find("Deployment")) == 1
    assert len({pod["metadata"]["name"] for pod in land.cluster.find("Pod")}) == 1


# --- what is being deleted, and what is no record of ours ------------------------------------------


async def test_a_child_that_is_being_deleted_is_waited_for_and_it_is_said_if_it_lasts():
    land = await served(rollout=PLAN)
    (deployment,) = land.cluster.find("Deployment")
    name = deployment["metadata"]["name"]

    def going(item: Json) -> None:
        item["metadata"]["deletionTimestamp"] = land.now.isoformat()
        item["metadata"]["finalizers"] = ["example.org/backup"]

    land.cluster.edit("Deployment", name, going)
    writes = len(written(land, ["Deployment"]))
    await land.run(4)
    assert land.condition("Obstructed") is None, "it usually takes a moment"
    await land.run(10)
    told = land.condition("Obstructed")
    assert told[1] == "AwaitingDeletion"
    assert f"Deployment {name} is being deleted since" in told[2]
    assert "example.org/backup" in told[2]
    assert len(written(land, ["Deployment"])) == writes
    land.cluster.drop(Address("Deployment", NAMESPACE, name))
    await land.run(3)
    assert [d["metadata"]["name"] for d in land.cluster.find("Deployment")] == [name]
    await land.settle()
    assert land.condition("Obstructed") is None
    assert land.serving() == {"v1"}


async def test_a_record_with_other_content_is_named_and_nothing_is_made_of_it():
    before = await served(rollout=PLAN)
    forged = copy.deepcopy(before.cluster.find("ControllerRevision")[0])
    strip_owners(forged)
    forged["data"]["deployment"]["metadata"]["name"] = "other"
    land = Land()
    land.cluster.put(forged)
    land.apply("v1", rollout=PLAN)
    await land.run(20)
    told = land.condition("Obstructed")
    name = forged["metadata"]["name"]
    assert told[1] == "NameTaken"
    assert f"kubectl delete controllerrevision {name}" in told[2]
    assert not land.cluster.find("Deployment")
    assert not land.cluster.one("ControllerRevision", name)["metadata"].get("ownerReferences")
    land.cluster.drop(Address("ControllerRevision", NAMESPACE, name))
    await land.settle()
    assert land.serving() == {"v1"}


# --- records that were deleted ------------------------------------------------------------------


def lose_stable(land: Land, *kinds: str) -> None:
    """Somebody deletes objects of v1."""
    for kind in kinds:
        for item in land.cluster.find(kind):
            if item["metadata"]["labels"]["app.kubernetes.io/version"] == "v1":
                land.cluster.drop(Address(kind, NAMESPACE, item["metadata"]["name"]))


PINS: list[list[Json]] = [[], [{"name": "licence", "policy": "Pin"}]]


@pytest.mark.parametrize("secrets", PINS, ids=["", "pinned"])
@pytest.mark.parametrize("tag", ["v1", "v2"])
async def test_stable_of_which_nothing_is_left_is_given_up_for_what_the_spec_asks_for(secrets, tag):
    land = Land()
    land.cluster.put({**secret_of("licence"), "data": {"k": "b"}})
    land.apply("v1", rollout=PLAN, secrets=secrets)
    await land.settle()
    told = len(land.told())
    lose_stable(land, "ControllerRevision", "Deployment", "ConfigMap")
    if tag == "v2":
        land.apply(tag)
    await land.run(60)
    assert (land.stable(), land.serving(), land.running()) == (tag, {tag}, {tag: 4})
    assert land.condition("Ready")[:2] == ("True", "Serving")
    assert sorted(land.told()[told:]) == ["Promoted", "RolloutStarted", "StableGivenUp"]


async def test_a_canary_that_has_the_traffic_of_a_lost_stable_goes_on():
    land = await served(rollout=PLAN)
    land.apply("v2", rollout={**PLAN, "steps": [{"weight": 50, "pause": True}]})
    await land.until(lambda: land.serving() == {"v1", "v2"})
    lose_stable(land, "ControllerRevision", "Deployment", "ConfigMap")
    await land.run(30)
    assert land.serving() == {"v2"}
    assert "StableGivenUp" not in land.told()


@pytest.mark.parametrize("secrets", PINS, ids=["", "pinned"])
async def test_a_record_that_was_deleted_is_made_again_and_stable_can_be_scaled(secrets):
    land = Land()
    land.cluster.put({**secret_of("licence"), "data": {"k": "b"}})
    land.apply("v1", rollout=PLAN, secrets=secrets)
    await land.settle()
    pods, copies = pod_uids(land), land.cluster.find("Secret")
    lose_stable(land, "ControllerRevision", "ConfigMap")
    land.apply("v1", rollout=PLAN, secrets=secrets, replicas=6)
    await land.run(30)
    assert land.running() == {"v1": 6}
    assert pods < pod_uids(land)
    assert land.cluster.find("Secret") == copies
    assert len(land.cluster.find("ControllerRevision")) == 1
    assert len(land.cluster.find("ConfigMap")) == 1


async def test_a_record_is_not_made_again_if_that_would_replace_pods(monkeypatch):
    land = await served(rollout=PLAN)
    pods = pod_uids(land)

    def rendered_by_another_version(*of: object) -> Json:
        template = pod_template(*of)
        return {**template, "spec": {**template["spec"], "dnsPolicy": "Default"}}

    monkeypatch.setattr(revisions, "pod_template", rendered_by_another_version)
    lose_stable(land, "ControllerRevision")
    land.restart()
    await land.run(30)
    assert pod_uids(land) == pods
    assert land.cluster.find("ControllerRevision") == []
    assert land.serving() == {"v1"}
