"""A spec that changes all the time: what is written, made and posted for it has a bound."""

from tests.support.operation import Land

from davylamp.controller.cluster.owning.creations import ALTOGETHER
from davylamp.controller.reconcile.executor import EVENTS_IN_A_ROW, EVENTS_PER_SECOND

SECONDS = 240


async def test_a_spec_that_changes_every_second_fills_neither_etcd_nor_nodes():
    land = Land()
    land.apply("v1")
    await land.settle()
    events, writes, counted = len(land.cluster.events), len(land.cluster.writes), _notices(land)
    for number in range(SECONDS):
        land.apply(f"x{number}")
        await land.tick()
    minutes, (bound,) = SECONDS / 60, ALTOGETHER
    posted = len(land.cluster.events) - events
    assert _notices(land) - counted > EVENTS_IN_A_ROW, "there was more to tell"
    assert posted <= EVENTS_IN_A_ROW + EVENTS_PER_SECOND * SECONDS + 1
    made = [w for w in land.cluster.writes[writes:] if w.verb == "apply"]
    created = {(w.kind, w.name) for w in made}
    assert len(created) <= bound.creations * (minutes + 1)
    assert len(land.cluster.objects) < 100, "what was for an earlier spec is gone"
    assert land.serving() == {"v1"}


def _notices(land: Land) -> float:
    registry = land.operator.metrics.registry
    return sum(
        sample.value
        for family in registry.collect()
        if family.name == "davylamp_events"
        for sample in family.samples
        if sample.name.endswith("_total")
    )
