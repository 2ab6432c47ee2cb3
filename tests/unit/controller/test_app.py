"""What the process is made of: leadership, and what reads pods and Prometheus."""

import asyncio
import contextlib
import functools
from collections.abc import Iterator

import pytest

from davylamp.adapters.errors import NotLeader, SourceError
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.source import BackEnd
from davylamp.adapters.prometheus.user_query import RangeQuery
from davylamp.controller.app import Operator
from davylamp.controller.settings import MetricSettings, Settings
from davylamp.gates import ERRORS


@pytest.fixture
def process() -> Iterator:
    """An operator that is not connected to anything."""
    with contextlib.ExitStack() as stack:

        def make(**settings: bool | MetricSettings) -> Operator:
            made = Operator(Settings(**settings), client=None)
            stack.callback(made.outside.source.close)
            return made

        yield make


def gauge(operator: Operator, name: str) -> float | None:
    return operator.metrics.registry.get_sample_value(name)


async def test_a_sole_replica_leads_from_the_start_and_until_it_is_stopped(process):
    operator = process(leader_election=False)
    assert operator.leadership.is_leader()
    operator.leadership.ensure()
    leading = asyncio.create_task(operator.leadership.run())
    await asyncio.sleep(0)
    assert gauge(operator, "davylamp_leader") == 1
    operator.leadership.stop()
    await asyncio.wait_for(leading, 1)


async def test_without_the_lease_no_write_passes(process):
    standby = process()
    assert not standby.leadership.is_leader()
    with pytest.raises(NotLeader):
        standby.leadership.ensure()
    assert gauge(standby, "davylamp_leader") == 0


async def test_lost_leadership_is_shown_and_leaves_no_figure_of_a_rollout(process):
    operator = process()
    operator.take_over()
    operator.metrics.on_source_down()
    assert (gauge(operator, "davylamp_leader"), gauge(operator, "davylamp_source_up")) == (1, 0)
    operator.stand_by()
    assert (gauge(operator, "davylamp_leader"), gauge(operator, "davylamp_source_up")) == (0, 1)


def test_a_selector_that_only_prometheus_understands_turns_the_fast_lane_off(process, caplog):
    series = SeriesNames(requests_selector=r'handler=~"/predict\\z"')
    operator = process(metrics=MetricSettings(series=series))
    assert operator.outside.pods is None
    assert "predict" in caplog.text


async def test_the_source_counts_as_down_when_counters_cannot_be_asked_for(process):
    operator = process(metrics=MetricSettings(prometheus=BackEnd(url="http://127.0.0.1:9")))
    up = functools.partial(operator.metrics.registry.get_sample_value, "davylamp_source_up")
    with pytest.raises(SourceError):
        await operator.outside.source.values(RangeQuery(promql="up", start=0, end=0, step=1))
    assert up() == 1, "that was a query of a user's own"
    series = MetricSettings().series
    pods = frozenset({("models", "risk-a")})
    asked = CounterQuery(workloads=pods, at=60.0, window=60.0, channel=ERRORS, series=series)
    with pytest.raises(SourceError):
        await operator.outside.source.scrapes(asked)
    assert up() == 0
