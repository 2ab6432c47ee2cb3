"""Before traffic nothing is at risk: what clusters do to pods that start is waited for, never held against them."""

from tests.support.reading import Json
from tests.support.story import PATIENCE, Story

from davylamp.api.names import Reason
from localcluster import loading

TWICE = """\
import os, sys, time
ends = len(os.listdir("/tmp"))
if ends < 2:
    open(f"/tmp/{ends}", "w").close()
    time.sleep(1)
    sys.exit("the feature store does not answer yet")
os.execvp("python", ["python", "-m", "diabetes_model", "serve"])
"""


def test_a_registry_that_comes_back(story: Story) -> None:
    good = story.install("v1")
    image = {**story.model("v3")["spec"]["image"], "repository": "registry.invalid/risk"}
    plan = {"progressDeadline": "10s"}

    with story.untouched(good):
        waiting = story.apply(story.model("v3", image=image, rollout=plan))
        candidate = story.wait_holding(Reason.PROGRESS_DEADLINE_EXCEEDED)
        stalled = story.wait(lambda: story.condition("Stalled"), "it to be stalled")
        assert "ImagePull" in stalled["message"]
        assert "no such host" in stalled["message"]
        assert "not held against the revision" in stalled["message"]
        assert not story.admits(waiting)

    # as when its registry answers the kubelet's next attempt
    there, wanted = story.model("v3")["spec"]["image"], f"{image['repository']}:{image['tag']}"
    loading.rename(f"{there['repository']}:{there['tag']}", wanted)
    try:
        story.wait_serving(waiting, timeout=2 * PATIENCE)
    finally:
        loading.forget(wanted)
    assert candidate["revision"] == waiting
    assert story.rejection(waiting) is None
    assert story.condition("Stalled") == {}


def test_two_crashes_at_start_are_waited_for(story: Story) -> None:
    story.install("v1")
    serving = story.model("v3")["spec"]["serving"]
    model: Json = {"name": "model", "command": ["python", "-c", TWICE]}
    starting = {**serving, "template": {"spec": {"containers": [model]}}}
    revision = story.apply(story.model("v3", serving=starting))

    story.wait_serving(revision)
    assert story.rejection(revision) is None
    (pod,) = story.pods(revision)
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 2
