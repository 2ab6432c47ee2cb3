"""An overlay that cannot be followed: told with its path, and nothing that runs is touched."""

import pytest
from tests.support.operation import Land, Process, written

from davylamp.manifests import Privilege
from davylamp.manifests.overlay import essentials

BROKEN = {"template": {"spec": {"containers": [{"name": "server", "args": ["x"]}]}}}
QUANTITY = {"resources": {"limits": {"memory": "512mb"}}}


async def served() -> Land:
    land = Land()
    land.apply("v1")
    await land.settle()
    return land


@pytest.mark.parametrize(
    ("serving", "message"),
    [
        (BROKEN, "spec.serving.template.spec.containers[server].image: is missing"),
        (QUANTITY, "spec.serving.resources.limits.memory: must be a quantity such as 500m, 2 or"),
        ({"template": {"spec": "x"}}, 'spec.serving.template.spec: must be an object, not "x"'),
    ],
)
async def test_a_template_that_cannot_be_merged_leaves_what_runs_alone(serving, message):
    land = await served()
    running = land.running()
    land.apply("v2", serving=serving)
    await land.run(30)
    kind, reason, said = land.condition("Stalled")
    assert (kind, reason) == ("True", "InvalidSpec")
    assert said.startswith(message)
    assert land.serving() == {"v1"}
    assert land.running() == running
    assert not land.operator.refused
    assert not land.operator.retried


async def test_it_goes_on_when_the_template_is_mended():
    land = await served()
    land.apply("v2", serving=BROKEN)
    await land.run(5)
    land.apply("v2", serving={})
    await land.settle()
    assert land.condition("Stalled") is None
    assert land.serving() == {"v2"}


async def test_the_first_revision_of_a_template_that_cannot_be_merged_is_told_too():
    land = Land()
    land.apply("v1", serving=BROKEN)
    await land.run(5)
    assert land.condition("Ready")[1] == "InvalidSpec"
    assert not written(land, {"Deployment", "ConfigMap", "ControllerRevision", "Service"})


async def test_p8_a_template_that_an_earlier_version_rendered_is_not_judged_anew(monkeypatch):
    """Its variable was the model's to set then; the revision goes on, and can be scaled."""
    variables = [{"name": "PORT", "value": "8080"}]
    template = {"spec": {"containers": [{"name": "model", "env": variables}]}}
    with monkeypatch.context() as earlier:
        earlier.setattr(essentials, "_check_variables", lambda *_: None)
        land = Land()
        land.apply("v1", serving={"template": template})
        await land.settle()
    land.cluster.writes.clear()
    land.restart()
    await land.run(30)
    assert land.condition("Ready")[0] == "True"
    assert not written(land)
    land.apply("v1", replicas=2)
    await land.settle()
    assert set(land.running().values()) == {2}
    land.apply("v2")
    await land.run(5)
    assert land.condition("Stalled")[2].endswith("change spec.serving.port instead")


# --- privileges ---------------------------------------------------------------------------------

NODE = {"spec": {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}}


async def test_a_privilege_that_the_chart_does_not_allow_leaves_what_runs_alone():
    land = await served()
    running = land.running()
    land.apply("v2", serving={"template": NODE})
    await land.run(30)
    _, reason, said = land.condition("Stalled")
    assert reason == "InvalidSpec"
    assert said == (
        "spec.serving.template.spec.volumes[node].hostPath: mounts files of the node: use a "
        "persistentVolumeClaim, or have hostPaths allowed by the chart's tenants.allow"
    )
    assert (land.serving(), land.running()) == ({"v1"}, running)
    assert not land.operator.refused
    assert not land.operator.retried


async def test_a_privilege_that_the_chart_allows_is_rolled_out():
    land = await served()
    land.processes = [Process(land, allowed=frozenset({Privilege.HOST_PATHS}))]
    land.apply("v2", serving={"template": NODE})
    await land.settle()
    assert land.condition("Stalled") is None
    assert land.serving() == {"v2"}


async def test_p8_a_revision_that_had_a_privilege_before_goes_on_and_is_gone_back_to():
    """An earlier version of the operator asked nobody: what it recorded is not judged anew."""
    land = Land()
    land.processes = [Process(land, allowed=frozenset(Privilege))]
    land.apply("v1", serving={"template": NODE})
    await land.settle()
    land.cluster.writes.clear()
    land.restart()
    await land.run(30)
    assert land.condition("Ready")[0] == "True"
    assert not written(land)
    land.apply("v2", serving={})
    await land.until(lambda: land.stable() == "v2")
    land.apply("v1", serving={"template": NODE})
    await land.until(lambda: land.serving() == {"v1"})
    land.apply("v3", serving={"template": NODE})
    await land.run(30)
    assert land.condition("Stalled")[1] == "InvalidSpec"
    assert land.serving() == {"v1"}
