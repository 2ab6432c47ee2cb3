"""What `helm test` says of objects that nobody looks after."""

from tests.support.fakecluster import Port
from tests.support.operation import NAMESPACE, Land

from davylamp.controller import endpoints
from davylamp.controller.selftest import not_looked_after, source_of


async def test_it_says_what_the_operator_found_out_about_prometheus(unused_tcp_port):
    url = f"http://127.0.0.1:{unused_tcp_port}/readyz"
    assert "does not say" in await source_of(url)
    probes = endpoints.probes(
        stuck_for=lambda: 0.0, ready=lambda: True, source=lambda: "Thanos 0.40.1; two\nlines"
    )
    async with endpoints.serving(probes, unused_tcp_port):
        assert await source_of(url) == "Thanos 0.40.1; two lines"


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
