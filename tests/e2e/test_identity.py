"""A model whose ModelDeployment was deleted, and came back under the same name with another uid."""

from tests.support.reading import items
from tests.support.story import MODEL, Story

from davylamp.api.names import Reason
from lab.kubectl import apply
from lab.records import once_reachable
from lab.traffic import Traffic

CHILDREN = ("controllerrevisions", "deployments", "services", "configmaps", "poddisruptionbudgets")


def test_children_that_were_orphaned_are_taken_up_again_inside_a_hard_quota(story: Story) -> None:
    """No pod is made, none restarts, and no request is lost: there is no room for another pod."""
    good = story.install("v1")

    with Traffic(
        story.namespace, story.name, rate=40, missing=0, image_tag=story.tags["v1"]
    ) as traffic:
        traffic.wait_for(10)
        apply(quota(story, pods=2))
        old = story.resource()["metadata"]["uid"]
        with story.same_pods(good):
            story.kubectl("delete", story.resource_name, "--cascade=orphan")
            story.apply(story.model("v1"))
            story.wait_serving(good)
            story.wait(lambda: owners(story) == {uid(story)}, "every child to be ours")
            traffic.wait_for(100)
        assert uid(story) != old
        assert len(story.pods()) == 1
    records = once_reachable(traffic.stop())

    assert [r for r in records if r.status != 200 or r.revision != good] == []
    (adopted,) = story.events(Reason.ADOPTED)
    assert "3 Services" in adopted.message
    (resumed,) = story.events(Reason.RESUMED)
    assert good in resumed.message


def quota(story: Story, *, pods: int) -> dict[str, object]:
    """As many pods as there are, and not one more."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": story.namespace},
        "spec": {"hard": {"pods": str(pods)}},
    }


def uid(story: Story) -> str:
    """Of the ModelDeployment as it is now."""
    known: str = story.resource()["metadata"]["uid"]
    return known


def owners(story: Story) -> set[str]:
    """Uids of the owners of all children; empty text stands for one without any."""
    children = [
        i for plural in CHILDREN for i in items(plural, story.namespace, {MODEL: story.name})
    ]
    references = [item["metadata"].get("ownerReferences", [{"uid": ""}]) for item in children]
    return {owner["uid"] for owned in references for owner in owned}
