"""An operator in which user queries are off, as by default: none is asked, and it says so in time."""

from tests.support.operation import QUICK, Land, Process

from davylamp.controller.settings import MetricSettings, Settings

QUERY = {"promql": "vector(1)", "max": "5", "interval": "5s", "warmUp": "0s"}
GATES = [{"name": "own", "query": QUERY}]


def switched_off(land: Land) -> Land:
    land.processes = [Process(land, metrics=MetricSettings())]
    return land


def test_user_queries_are_off_unless_somebody_switches_them_on():
    assert not Settings().metrics.user_queries
    assert not Settings.from_environment({}).metrics.user_queries


async def test_a_gate_with_its_own_promql_is_refused_before_any_pod_with_its_path_and_what_to_do():
    land = switched_off(Land())
    land.apply("v1", rollout={**QUICK, "gates": GATES})
    await land.run(5)
    kind, reason, said = land.condition("Stalled")
    assert (kind, reason) == ("True", "InvalidSpec")
    assert said.startswith("spec.rollout.gates.0.query: user queries are switched off")
    assert "gates.userQueries.enabled" in said
    assert land.running() == {}
    assert land.prometheus.user_queries == []


async def test_what_serves_goes_on_and_only_the_next_revision_is_refused():
    land = Land()
    land.apply("v1", rollout={**QUICK, "gates": GATES})
    await land.until(lambda: land.stable() == "v1", within=60)
    land = switched_off(land)
    await land.run(10)
    assert land.condition("Stalled") is None
    land.apply("v2", rollout={**QUICK, "gates": GATES})
    await land.run(10)
    assert land.condition("Stalled")[:2] == ("True", "InvalidSpec")
    assert land.serving() == {"v1"}


async def test_a_candidate_that_was_under_way_gets_no_traffic_and_its_gate_says_why():
    land = Land()
    land.apply("v1", rollout={**QUICK, "gates": GATES})
    await land.until(lambda: land.stable() == "v1", within=60)
    land.apply("v2", rollout={**QUICK, "gates": GATES})
    await land.until(lambda: land.status().candidate is not None, within=10)
    asked = len(land.prometheus.user_queries)
    land = switched_off(land)
    await land.run(120)
    assert land.serving() == {"v1"}
    assert len(land.prometheus.user_queries) == asked
    assert "gates.userQueries.enabled" in land.condition("Stalled")[2]
