"""What `helm test` says of objects that nobody looks after."""

from tests.support.fakecluster import Port
from tests.support.operation import NAMESPACE, Land

from davylamp.controller.selftest import not_looked_after


async def test_objects_without_an_operator_are_named():
    land = Land()
    land.apply("v1")
    land.apply("v1", name="other")
    port = Port(land.cluster)
    unseen = [f"{NAMESPACE}/other", f"{NAMESPACE}/risk"]
    assert await not_looked_after(port, (), within=0) == unseen
    assert await not_looked_after(port, ("elsewhere",), within=0) == []
    await land.settle()
    assert await not_looked_after(port, (), within=0) == []
    land.operator.is_deaf = True
    land.apply("v2")
    assert await not_looked_after(port, (NAMESPACE,), within=0) == [f"{NAMESPACE}/risk"]
