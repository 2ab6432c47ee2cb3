"""What users change about the pods of a model."""

from tests.support.story import Story

from davylamp.api.names import Reason
from lab.models import SERVING

OVERLAY = {
    "spec": {
        "terminationGracePeriodSeconds": 3,
        "volumes": [{"name": "work", "emptyDir": {}}],
        "containers": [
            {
                "name": "model",
                "ports": [{"name": "http", "containerPort": 8000}],
                "envFrom": [{"secretRef": {"name": "hub-token"}}],
                "readinessProbe": {"tcpSocket": {"port": "http"}},
                "startupProbe": {"$overlay": "delete"},
                "volumeMounts": [
                    {"name": "work", "mountPath": "/models", "subPath": "models"},
                    {"name": "work", "mountPath": "/cache", "subPath": "cache"},
                ],
            }
        ],
    }
}
MISNAMED = {"spec": {"containers": [{"name": "server", "args": ["--fast"]}]}}


def test_an_overlay_of_many_kinds_serves_and_a_wrong_one_touches_nothing(story: Story) -> None:
    secret = ("--from-literal=HF_TOKEN=abc", "--from-literal=PORT=1", "--from-literal=LEVEL=no")
    story.kubectl("create", "secret", "generic", "hub-token", *secret)
    serving = {**SERVING, "template": OVERLAY}
    revision = story.install("v1", config={"LEVEL": "info"}, serving=serving)

    pod = story.pods(revision)[0]
    printed = story.kubectl("exec", pod["metadata"]["name"], "-c", "model", "--", "env")
    variables = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    assert (variables["PORT"], variables["LEVEL"]) == ("8000", "info")
    assert variables["HF_TOKEN"] == "abc"
    assert variables["DAVYLAMP_REVISION"] == revision
    mounts = {mount["mountPath"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    assert mounts == {"/tmp", "/models", "/cache"}

    with story.untouched(revision):
        story.apply(story.model("v3", serving={**SERVING, "template": MISNAMED}))
        story.wait(lambda: story.condition("Stalled"), "the wrong overlay to be told")
    stalled = story.condition("Stalled")
    assert stalled["reason"] == Reason.INVALID_SPEC
    assert stalled["message"].startswith("spec.serving.template.spec.containers[server].image: ")
    assert "the model's container is called model" in stalled["message"]
