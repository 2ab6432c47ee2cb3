"""What other people's tools do to a cluster: drains, autoscalers."""

import json

from tests.support.story import REVISION, Story

from lab.kubectl import kubectl

NEVER_READY = {"FAULT_START_DELAY": "600"}


def evict(namespace: str, pod: str) -> bool:
    """Evict a pod as a drain does; a refusal is an error, which whoever waits takes as "not yet"."""
    asked = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
    }
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    return bool(kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(asked)))


def test_a_node_is_drained_while_a_canary_loads(story: Story) -> None:
    good = story.install("v1", replicas=2)
    loading = story.apply(story.model("v3", replicas=2, config=NEVER_READY))
    story.wait(lambda: len(story.pods(loading)) == 2, "pods of the canary")

    budgets = story.kubectl("get", "pdb", "-o", "json")
    chosen = {b["spec"]["selector"]["matchLabels"][REVISION] for b in json.loads(budgets)["items"]}
    assert chosen == {good, loading}
    for pod in (*story.pods(good), *story.pods(loading)):
        name = pod["metadata"]["name"]
        story.wait(lambda name=name: evict(story.namespace, name), f"{name} to be drained")
    story.wait(lambda: story.status().get("readyReplicas") == 2, "stable whole again")
    assert story.status()["candidate"]["revision"] == loading


def test_replicas_are_handed_to_an_autoscaler(story: Story) -> None:
    good = story.install("v1", replicas=2)
    manifest = story.model("v1", replicas=2)
    del manifest["spec"]["replicas"]
    scale = ("get", story.resource_name, "--subresource=scale", "-o", "jsonpath={.spec.replicas}")

    with story.same_pods(good):
        story.apply(manifest)  # client-side apply takes out what it had put in
        story.wait(lambda: story.kubectl(*scale) == "2", "the present number in the spec")
        story.wait_observed()
    story.kubectl("scale", story.resource_name, "--replicas=1")
    story.wait(lambda: story.replicas(good) == 1, "one pod, as the autoscaler says")
    story.apply(manifest)
    story.wait_observed()
    assert story.kubectl(*scale) == "1"
