"""A spec that is too heavy to be read: told, and what serves or is rolled out is looked after as before."""

from typing import Any

from tests.support.kubelets import Health
from tests.support.operation import Land

from davylamp.api import names

WHY = "is nested deeper than 64 levels"


def grow_too_heavy(land: Land) -> None:
    """The operator gets no more of the object than its outline from now on."""

    def outline(item: dict[str, Any]) -> None:
        del item["spec"]
        item[names.UNREAD] = WHY

    land.cluster.edit(names.KIND, "risk", outline)


async def served(land: Land) -> None:
    land.apply("v1")
    await land.settle()


async def test_what_serves_goes_on_and_the_status_says_what_to_do():
    land = Land()
    await served(land)
    running = land.running()
    grow_too_heavy(land)
    land.restart()
    await land.run(30)
    kind, reason, said = land.condition("Stalled")
    assert (kind, reason) == ("True", "InvalidSpec")
    assert said.startswith(f"the object {WHY}: make it smaller, or correct it")
    assert land.serving() == {"v1"}
    assert land.running() == running
    assert not land.operator.refused
    assert not land.operator.retried


async def test_a_bad_canary_is_rolled_back_although_its_spec_cannot_be_read():
    land = Land()
    await served(land)
    land.apply("v2")
    await land.until(lambda: "v2" in land.serving())
    grow_too_heavy(land)
    land.kubelets.health["v2"] = Health.CRASHES
    await land.until(lambda: land.serving() == {"v1"})
    await land.until(land.rejected_reason)
    assert land.stable() == "v1"


async def test_it_goes_on_when_it_can_be_read_again():
    land = Land()
    await served(land)
    spec = land.parent()["spec"]
    grow_too_heavy(land)
    await land.run(5)
    mended = {k: v for k, v in land.parent().items() if k != names.UNREAD}
    land.cluster.put({**mended, "spec": spec})
    land.apply("v2")
    await land.settle()
    assert land.condition("Stalled") is None
    assert land.serving() == {"v2"}


async def test_a_model_that_never_served_is_refused():
    land = Land()
    land.apply("v1")
    grow_too_heavy(land)
    await land.run(5)
    assert land.condition("Ready")[1] == "InvalidSpec"
    assert not land.cluster.find("Deployment")
