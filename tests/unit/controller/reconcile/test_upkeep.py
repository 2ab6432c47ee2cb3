"""What people do to an object and its children besides rolling out, on a fake cluster."""

import gc
from types import FunctionType, ModuleType

import pytest
from tests.support.fakecluster import Address, FakeCluster, Port, Write, refusing_kind
from tests.support.operation import NAMESPACE, QUICK, Land, Process, written

from davylamp.adapters.errors import Forbidden, Retryable, Terminal
from davylamp.api.child_metadata import ChildMetadata
from davylamp.api.names import KIND
from davylamp.controller.cluster.cache import Key
from davylamp.controller.fairness.pace import Pace

RESOURCES = {"requests": {"cpu": "1000m", "memory": "1.5Gi"}, "limits": {"cpu": 2}}


async def served(land: Land | None = None, **changes: object) -> Land:
    land = land or Land()
    land.apply("v1", **changes)
    await land.settle()
    return land


def secret(name: str, value: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "data": {"token": value},
    }


def pinned_copies(land: Land) -> list[dict]:
    return [s for s in land.cluster.find("Secret") if s["metadata"].get("ownerReferences")]


# --- edits of children ------------------------------------------------------------------------


async def test_a_deployment_edited_by_hand_is_put_back_and_people_are_told():
    land = await served()
    name = land.cluster.find("Deployment")[0]["metadata"]["name"]

    def edit(item: dict) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1"

    land.cluster.edit("Deployment", name, edit)
    await land.run(2)
    container = land.cluster.one("Deployment", name)["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.example/model:v1"
    assert land.told()[-1] == "Restored"


async def test_a_deployment_scaled_by_hand_is_put_back_without_a_word():
    land = await served()
    name = land.cluster.find("Deployment")[0]["metadata"]["name"]
    land.cluster.edit("Deployment", name, lambda item: item["spec"].update(replicas=1))
    await land.run(2)
    assert land.running() == {"v1": 4}
    assert "Restored" not in land.told()


@pytest.mark.parametrize("kind", ["Deployment", "ConfigMap", "Service", "PodDisruptionBudget"])
async def test_a_child_deleted_by_hand_is_made_again(kind):
    land = await served()
    before = {i["metadata"]["name"] for i in land.cluster.find(kind)}
    for name in before:
        land.cluster.drop(Address(kind, NAMESPACE, name))
    await land.run(10)
    assert {i["metadata"]["name"] for i in land.cluster.find(kind)} == before
    assert land.serving() == {"v1"}


# --- replicas ---------------------------------------------------------------------------------


def replicas_of_the_spec(land: Land) -> int | None:
    return land.parent()["spec"].get("replicas")


def left_out(item: dict) -> None:
    del item["spec"]["replicas"]


async def test_replicas_left_out_are_filled_in_with_the_present_number():
    land = await served()
    land.cluster.edit(KIND, "risk", left_out)
    await land.run(3)
    assert (replicas_of_the_spec(land), land.running()) == (4, {"v1": 4})
    scaled = [w.body["spec"]["replicas"] for w in land.cluster.writes if w.kind == "Deployment"]
    assert set(scaled) == {4}, "there was no moment with another number"


async def test_replicas_of_a_new_model_are_one_where_they_are_left_out():
    land = Land()
    land.apply("v1")
    land.cluster.edit(KIND, "risk", left_out)
    await land.settle()
    assert (replicas_of_the_spec(land), land.running()) == (1, {"v1": 1})


async def test_replicas_left_out_while_the_first_revision_prepares_stay():
    land = Land()
    land.apply("v1")
    await land.run(1)
    land.cluster.edit(KIND, "risk", left_out)
    await land.settle()
    assert (replicas_of_the_spec(land), land.running()) == (4, {"v1": 4})


async def test_a_number_that_somebody_writes_meanwhile_is_not_overwritten():
    land = await served()

    def scale(write: Write) -> None:
        if write.verb == "patch_scale" and replicas_of_the_spec(land) is None:
            land.cluster.edit(KIND, "risk", lambda item: item["spec"].update(replicas=6))

    land.cluster.before.append(scale)
    land.cluster.edit(KIND, "risk", left_out)
    await land.run(5)
    assert (replicas_of_the_spec(land), land.running()) == (6, {"v1": 6})


# --- policies that change what is written --------------------------------------------------------


def mirrored(item: dict) -> None:
    """A policy takes images from a mirror, always pulls them, and adds what nobody asked for."""
    if item["kind"] != "Deployment":
        return
    item["metadata"].setdefault("annotations", {})["policy.example/checked"] = "yes"
    pod = item["spec"]["template"]["spec"]
    container = pod["containers"][0]
    container["image"] = container["image"].replace("registry.example", "mirror.example")
    container["imagePullPolicy"] = "Always"
    sidecar = {"name": "proxy", "image": "mirror.example/proxy:1"}
    pod["containers"] = [*(c for c in pod["containers"] if c["name"] != "proxy"), sidecar]
    pod["tolerations"] = [*pod.get("tolerations", []), {"key": "gpu", "operator": "Exists"}][:1]


async def test_a_policy_that_changes_what_is_written_is_not_fought():
    land = Land()
    land.cluster.mutating.append(mirrored)
    await served(land)
    land.apply("v2")
    await land.settle()
    assert (land.serving(), land.running()) == ({"v2"}, {"v2": 4})
    before = len(land.cluster.writes)
    for _ in range(5):
        land.operator.wake(Key(NAMESPACE, "risk"))
        await land.run(10)
    assert len(land.cluster.writes) == before
    assert "Restored" not in land.told()


# --- labels and annotations of users ------------------------------------------------------------


LABELLED = {"labels": {"cost-center": "4711"}, "annotations": {"example.org/owner": "risk"}}
CHILD_KINDS = (
    *("Deployment", "ConfigMap", "Service", "PodDisruptionBudget", "ControllerRevision"),
    *("Secret", "CronJob"),
)


def unlabelled(land: Land) -> list[str]:
    """Children without the label or the annotation."""
    return [
        f"{kind} {item['metadata']['name']}"
        for kind in CHILD_KINDS
        for item in land.cluster.find(kind)
        if item["metadata"].get("ownerReferences")
        if not LABELLED["labels"].items() <= item["metadata"]["labels"].items()
        or not LABELLED["annotations"].items() <= item["metadata"].get("annotations", {}).items()
    ]


def demanding_a_label(write: Write) -> None:
    template = write.body.get("spec", {}).get("template", write.body)
    labels = write.body["metadata"].get("labels", {}), template["metadata"].get("labels", {})
    if write.verb == "apply" and not all("cost-center" in some for some in labels):
        raise Terminal("Invalid", "every object needs the label cost-center")


async def test_every_child_and_its_pods_carry_what_a_policy_demands():
    land = Land()
    land.cluster.put(secret("licence", "b25l"))
    land.cluster.before.append(demanding_a_label)
    pinned = [{"name": "licence", "policy": "Pin"}]
    await served(land, metadata=LABELLED, secrets=pinned, explanations={})
    assert {kind for kind in CHILD_KINDS if land.cluster.find(kind)} == set(CHILD_KINDS)
    assert unlabelled(land) == []
    [deployment] = land.cluster.find("Deployment")
    pods = deployment["spec"]["template"]["metadata"]
    assert LABELLED["labels"].items() <= pods["labels"].items()
    assert LABELLED["annotations"].items() <= pods["annotations"].items()
    [cron] = land.cluster.find("CronJob")
    job = cron["spec"]["jobTemplate"]
    for described in (job["metadata"], job["spec"]["template"]["metadata"]):
        assert described["labels"]["cost-center"] == "4711"
    assert not land.operator.refused


async def test_a_revision_that_a_policy_refused_is_made_once_it_has_the_label():
    land = Land()
    land.cluster.before.append(demanding_a_label)
    land.apply("v1")
    await land.run(5)
    assert not land.cluster.find("Deployment")
    land.apply("v1", metadata=LABELLED)
    await land.settle()
    assert land.serving() == {"v1"}


async def test_a_label_that_is_wanted_no_longer_goes_from_what_is_there():
    land = await served(metadata=LABELLED)
    assert unlabelled(land) == []
    land.apply("v1", metadata={})
    await land.settle()
    left = [
        item["metadata"]["name"]
        for kind in ("Deployment", "Service", "ConfigMap")
        for item in land.cluster.find(kind)
        if "cost-center" in item["metadata"]["labels"]
        or "example.org/owner" in item["metadata"].get("annotations", {})
    ]
    assert left == []


async def test_labels_of_the_chart_reach_objects_at_once_and_restart_no_pod():
    land = await served()
    pods = {pod["metadata"]["uid"] for pod in land.cluster.find("Pod")}
    templates = [d["spec"]["template"] for d in land.cluster.find("Deployment")]
    defaults = ChildMetadata.model_validate(LABELLED)
    land.processes = [Process(land, children=defaults)]
    await land.run(5)
    named = {"Deployment", "ConfigMap", "Service", "PodDisruptionBudget"}
    assert not [name for name in unlabelled(land) if name.split()[0] in named]
    assert [d["spec"]["template"] for d in land.cluster.find("Deployment")] == templates
    assert {pod["metadata"]["uid"] for pod in land.cluster.find("Pod")} == pods
    assert land.status().candidate is None
    assert "Restored" not in land.told()
    before = len(land.cluster.writes)
    await land.run(20)
    assert len(land.cluster.writes) == before
    land.apply("v2")
    await land.settle()
    labels = [pod["metadata"]["labels"] for pod in land.cluster.find("Pod")]
    assert {some.get("cost-center") for some in labels} == {"4711"}


# --- a policy that demands two replicas in each Deployment -------------------------------------


def demanding_two(write: Write) -> None:
    if (write.verb, write.kind) == ("apply", "Deployment") and write.body["spec"]["replicas"] < 2:
        raise Terminal("Invalid", "Deployments need two replicas or more")


async def test_with_a_policy_for_deployments_nothing_is_refused_and_a_return_works():
    land = Land()
    land.cluster.before.append(demanding_two)
    steps = [{"weight": 25, "hold": "5s"}, {"weight": 40, "hold": "5s"}]
    plan = {**QUICK, "steps": steps, "minDeploymentReplicas": 2}
    await served(land, rollout=plan)
    land.apply("v2")
    await land.until(lambda: land.serving() == {"v1", "v2"})
    assert land.running() == {"v1": 4, "v2": 2}, "the step with one pod is passed over"
    await land.settle()
    assert [d["spec"]["replicas"] for d in land.cluster.find("Deployment")] == [4]
    land.apply("v1")
    await land.settle()
    assert (land.running(), land.serving()) == ({"v1": 4}, {"v1"})
    assert land.outcomes()[0] == ("v1", "Returned")
    assert not land.operator.refused


# --- disruption budgets -------------------------------------------------------------------------


def budgets(land: Land) -> set[str]:
    """Revisions' tags that have a budget, and `all` for one over all of them."""
    tags = {c.revision: c.tag for c in land.status().history}
    candidate = land.status().candidate
    tags |= {candidate.revision: candidate.tag} if candidate else {}
    found = land.cluster.find("PodDisruptionBudget")
    chosen = (item["spec"]["selector"]["matchLabels"] for item in found)
    return {tags.get(labels.get("davylamp.dev/revision"), "all") for labels in chosen}


async def test_each_revision_with_pods_has_a_budget_of_its_own():
    land = await served()
    assert budgets(land) == {"v1"}
    land.apply("v2")
    await land.until(lambda: land.serving() == {"v1", "v2"})
    assert budgets(land) == {"v1", "v2"}
    await land.settle()
    assert (land.running(), budgets(land)) == ({"v2": 4}, {"v2"})


async def test_the_budget_over_all_revisions_goes_when_stable_has_its_own():
    land = await served()
    [ours] = land.cluster.find("PodDisruptionBudget")
    shared = {**ours, "metadata": {**ours["metadata"], "name": "risk"}}
    shared["spec"] = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": {"davylamp.dev/model": "risk"}},
    }
    land.cluster.put(shared)
    land.cluster.drop(Address("PodDisruptionBudget", NAMESPACE, ours["metadata"]["name"]))
    written_before = len(land.cluster.writes)
    land.restart()
    await land.run(2)
    land.operator.wake(Key(NAMESPACE, "risk"))  # as the status of the new budget does
    await land.run(2)
    assert budgets(land) == {"v1"}
    made = [w.verb for w in land.cluster.writes[written_before:] if w.kind == "PodDisruptionBudget"]
    assert made == ["apply", "delete"], "stable is never without a budget"


async def test_what_others_add_to_our_objects_stays():
    land = await served()

    def annotate(item: dict) -> None:
        item["metadata"]["annotations"] = {"team": "risk"}
        item["spec"]["template"]["spec"]["nodeName"] = "n1"

    name = land.cluster.find("Deployment")[0]["metadata"]["name"]
    land.cluster.edit("Deployment", name, annotate)
    writes = len(land.cluster.writes)
    await land.run(5)
    assert len(land.cluster.writes) == writes


async def test_a_selector_with_a_key_more_is_put_back():
    land = await served()
    wrong = {"davylamp.dev/model": "risk", "davylamp.dev/revision": "none", "more": "keys"}
    land.cluster.edit("Service", "risk", lambda item: item["spec"].update(selector=wrong))
    await land.run(2)
    assert land.serving() == {"v1"}


async def test_a_deletion_that_no_watch_told_of_is_found_by_comparing():
    land = await served()
    land.operator.is_deaf = True
    for item in land.cluster.find("Deployment"):
        land.cluster.drop(Address("Deployment", NAMESPACE, item["metadata"]["name"]))
    await land.run(5)
    assert land.running() == {}
    await land.operator.watches.compare()
    await land.run(1)
    assert land.running() == {"v1": 4}


# --- names --------------------------------------------------------------------------------------


async def test_a_foreign_service_is_left_alone_and_the_status_says_so():
    land = Land()
    foreign = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "risk", "namespace": NAMESPACE},
        "spec": {"selector": {"app": "other"}},
    }
    kept = land.cluster.put(foreign)
    land.apply("v1")
    await land.run(5)
    assert land.cluster.one("Service", "risk") == kept
    assert land.condition("Stalled")[1] == "NameTaken"
    assert land.told().count("NameTaken") == 1
    writes = len(land.cluster.writes)
    land.operator.wake(land.operator.cache.parents()[0])
    await land.run(2)
    assert len(land.cluster.writes) == writes, "saying it once is enough"
    land.cluster.drop(Address("Service", NAMESPACE, "risk"))
    land.operator.wake(land.operator.cache.parents()[0])
    await land.settle()
    assert land.serving() == {"v1"}
    assert land.condition("Stalled") is None


async def test_a_record_forged_for_another_namespace_is_passed_over():
    land = await served()
    forged = land.cluster.find("ControllerRevision")[0]
    forged = {
        **forged,
        "metadata": {
            "name": "risk-ffffffffff",
            "namespace": NAMESPACE,
            "labels": {**forged["metadata"]["labels"], "davylamp.dev/revision": "ffffffffff"},
        },
        "data": {
            **forged["data"],
            "deployment": {
                "kind": "Deployment",
                "metadata": {"name": "risk-ffffffffff", "namespace": "kube-system"},
            },
        },
    }
    land.cluster.put(forged)
    writes = len(land.cluster.writes)
    await land.run(5)
    assert len(land.cluster.writes) == writes
    land.apply("v2")
    await land.settle()
    assert land.serving() == {"v2"}


# --- secrets ------------------------------------------------------------------------------------


async def test_a_missing_secret_holds_the_rollout_and_names_it():
    land = await served()
    land.apply("v2", secrets=[{"name": "feature-store"}])
    await land.run(10)
    assert land.condition("Stalled")[1] == "SecretMissing"
    assert "feature-store" in land.condition("Stalled")[2]
    land.cluster.put(secret("feature-store", "czE="))
    await land.until(lambda: land.stable() == "v2")


async def test_p7_a_pinned_secret_is_frozen_with_its_revision():
    land = Land()
    land.cluster.put(secret("licence", "b25l"))
    await served(land, secrets=[{"name": "licence", "policy": "Pin"}])
    land.cluster.put(secret("licence", "dHdv"))
    land.apply("v2")
    await land.settle()
    contents = [copy["data"] for copy in pinned_copies(land)]
    assert sorted(c["licence_token"] for c in contents) == ["b25l", "dHdv"]
    land.apply("v1")
    await land.settle()
    volumes = next(
        d["spec"]["template"]["spec"]["volumes"]
        for d in land.cluster.find("Deployment")
        if d["spec"]["replicas"]
    )
    mounted = next(v["secret"]["secretName"] for v in volumes if "secret" in v)
    assert land.cluster.one("Secret", mounted)["data"] == {"licence_token": "b25l"}


async def test_a_pinned_secret_that_changed_before_its_record_was_made_is_taken_anew():
    land = Land()
    land.cluster.put(secret("licence", "b25l"))
    land.cluster.before.append(blocked)
    land.apply("v1", secrets=[{"name": "licence", "policy": "Pin"}])
    await land.run(3)
    assert pinned_copies(land)
    land.cluster.put(secret("licence", "dHdv"))
    land.cluster.before.clear()
    await land.settle()
    assert [c["data"] for c in pinned_copies(land)] == [{"licence_token": "dHdv"}]
    assert "dHdv" not in str(land.operator.cache.all_children(Key(NAMESPACE, "risk")))
    assert land.serving() == {"v1"}


def blocked(write: Write) -> None:
    if write.kind == "ControllerRevision":
        raise Forbidden("apply ControllerRevision: 403 exceeded quota")


async def test_secrets_that_may_not_be_read_keep_a_record_from_being_made_and_nothing_else(
    monkeypatch,
):
    land = await served()
    read = Port.get

    async def refused(port, kind, namespace, name):
        if kind == "Secret":
            raise Forbidden("get Secret: 403")
        return await read(port, kind, namespace, name)

    monkeypatch.setattr(Port, "get", refused)
    land.apply("v2", secrets=[{"name": "licence", "policy": "Pin"}])
    await land.run(3)
    assert len(land.cluster.find("ControllerRevision")) == 1
    assert land.condition("Stalled")[1:] == ("WriteRefused", "get Secret: 403")
    assert land.told()[-2:] == ["RolloutStarted", "WriteRefused"]
    assert land.serving() == {"v1"}
    monkeypatch.setattr(Port, "get", read)
    land.cluster.put(secret("licence", "b25l"))
    await land.until(lambda: land.stable() == "v2")
    assert pinned_copies(land)


async def test_no_secret_content_is_in_the_status_the_events_or_the_log(caplog):
    land = Land()
    land.cluster.put(secret("licence", "c2VjcmV0LXZhbHVl"))
    with caplog.at_level("DEBUG"):
        await served(land, secrets=[{"name": "licence", "policy": "Pin"}])
    others = [i for i in land.cluster.objects.values() if i["kind"] != "Secret"]
    assert "c2VjcmV0LXZhbHVl" not in f"{others} {land.cluster.events} {caplog.text}"


# --- what is refused ----------------------------------------------------------------------------


async def test_an_invalid_spec_keeps_what_runs_and_says_where_it_is_wrong():
    land = await served()
    land.apply("latest" * 100)
    await land.run(3)
    assert land.condition("Stalled")[1] == "InvalidSpec"
    assert "spec.image.tag" in land.condition("Stalled")[2]
    assert land.serving() == {"v1"}
    writes = len(land.cluster.writes)
    for _ in range(3):
        land.operator.wake(land.operator.cache.parents()[0])
        await land.tick()
    assert len(land.cluster.writes) == writes
    land.apply("v1")
    await land.run(3)
    assert land.condition("Stalled") is None


async def test_a_query_with_an_unknown_variable_starts_no_rollout():
    land = await served()
    query = {"promql": 'up{pod="{{ node }}"}', "max": "1"}
    land.apply("v2", rollout={"gates": [{"name": "own", "query": query}]})
    await land.run(3)
    stalled = land.condition("Stalled")
    assert stalled[1] == "InvalidSpec"
    assert stalled[2].startswith("spec.rollout.gates.0.query.promql: {{ node }} is no variable")
    assert land.serving() == {"v1"}
    assert len(land.outcomes()) == 1
    assert land.status().candidate is None


async def test_a_bad_candidate_is_taken_back_though_the_spec_is_invalid_by_now():
    land = await served()
    land.apply("v2")
    await land.until(lambda: "v2" in land.serving())
    land.prometheus.error_share["v2"] = 0.3
    land.apply("v3", seed=-1)
    await land.until(lambda: land.serving() == {"v1"}, within=60)
    assert land.outcomes()[0] == ("v2", "RolledBack")
    assert land.condition("Stalled")[1] == "InvalidSpec"


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("403 exceeded quota"),
        Terminal("Invalid", "422 unknown field"),
        Retryable("500 failed calling webhook"),
    ],
    ids=str,
)
async def test_a_candidate_the_api_server_refuses_is_told_and_goes_on_once_it_is_accepted(error):
    land = await served()

    def refuse(write):
        if write.kind == "Deployment" and "v2" in str(write.body):
            raise error

    land.cluster.before.append(refuse)
    land.apply("v2")
    await land.run(5)
    if type(error) is not Retryable:
        assert str(error) in land.condition("Stalled")[2]
    assert "RolloutStarted" in land.told()
    assert land.serving() == {"v1"}
    for _ in range(90):
        land.operator.wake(land.operator.cache.parents()[0])
        await land.tick()
    assert land.condition("Stalled")
    assert not land.status().rejected
    land.cluster.before.remove(refuse)
    land.operator.wake(land.operator.cache.parents()[0])
    await land.settle()
    assert land.outcomes()[0] == ("v2", "Promoted")


async def test_a_refused_service_is_told_and_the_status_does_not_flap():
    land = Land()
    land.cluster.before.append(refusing_kind("Service", "risk-canary"))
    land.apply("v1")
    await land.run(20)
    land.operator.wake(land.operator.cache.parents()[0])
    await land.tick()
    assert "Service risk-canary: 422" in land.condition("Stalled")[2]
    statuses = len(written(land, [KIND]))
    for _ in range(5):
        land.operator.wake(land.operator.cache.parents()[0])
        await land.tick()
    assert len(written(land, [KIND])) == statuses
    land.cluster.before.clear()
    land.operator.wake(land.operator.cache.parents()[0])
    await land.settle()
    assert land.condition("Stalled") is None


# --- the end ------------------------------------------------------------------------------------


async def test_a_deleted_object_leaves_nothing_behind_here_or_there():
    land = await served()
    land.apply("v2")
    await land.until(lambda: "v2" in land.serving())
    land.cluster.drop(Address(KIND, NAMESPACE, "risk"))
    await land.run(10)
    assert not land.cluster.objects
    process = land.operator
    assert not process.cache.parents()
    queries = len(land.prometheus.queries)
    await land.run(5)
    assert len(land.prometheus.queries) == queries
    left = [
        m.name
        for m in process.metrics.registry.collect()
        for s in m.samples
        if s.labels.get("name") == "risk"
    ]
    assert not left
    gone = Key(NAMESPACE, "risk")
    # a pace outlives its object: who deletes and makes it again does not begin anew
    paces = {id(pace._even) for pace in inside(process) if isinstance(pace, Pace)}
    known = [
        holder
        for holder in inside(process)
        if isinstance(holder, dict) and gone in holder and id(holder) not in paces
    ]
    assert known == [], "nobody remembers anything of it"


def inside(root: object) -> list[object]:
    """Everything that a process holds, and not the cluster that it works on."""
    reached: dict[int, object] = {}
    waiting = [root]
    while waiting:
        item = waiting.pop()
        is_outside = isinstance(item, type | ModuleType | FunctionType | Land | FakeCluster)
        if id(item) in reached or is_outside:
            continue
        reached[id(item)] = item
        waiting += gc.get_referents(item)
    return list(reached.values())


async def test_history_is_pruned_with_its_objects():
    land = Land()
    land.cluster.put(secret("licence", "b25l"))
    pin = [{"name": "licence", "policy": "Pin"}]
    await served(land, rollout={**QUICK, "history": 1, "steps": []}, secrets=pin)
    for tag in ("v2", "v3", "v4"):
        land.apply(tag)
        await land.settle()
    for kind in ("ControllerRevision", "Deployment", "ConfigMap"):
        tags = {
            i["metadata"]["labels"]["app.kubernetes.io/version"] for i in land.cluster.find(kind)
        }
        assert tags == {"v3", "v4"}, kind
    assert len(pinned_copies(land)) == 2


async def test_a_deployment_whose_record_was_deleted_goes_when_nothing_wants_it():
    land = await served()
    record = land.cluster.find("ControllerRevision")[0]["metadata"]["name"]
    land.cluster.drop(Address("ControllerRevision", NAMESPACE, record))
    land.apply("v2")
    await land.settle()
    assert land.running() == {"v2": 4}
    assert len(land.cluster.find("Deployment")) == 1


async def test_p8_a_new_operator_writes_nothing_whatever_the_spelling_of_quantities():
    land = await served(serving={"resources": RESOURCES})
    writes = len(land.cluster.writes)
    land.restart()
    await land.run(20)
    assert written(land)[writes:] == []
    assert len(land.cluster.writes) == writes
