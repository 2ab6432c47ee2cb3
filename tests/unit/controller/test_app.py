"""What the process does around a pass: standing by, and trying again what was refused."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from davylamp.adapters.errors import SourceError, Terminal
from davylamp.adapters.pods.model_server import PodAddress
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.user_query import RangeQuery
from davylamp.api.spec import CheckName
from davylamp.checks import Expected
from davylamp.controller.app import Operator
from davylamp.controller.checks.inspections import Inspection
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.tracker import Subject, TrackedEvidence
from davylamp.controller.settings import MetricSettings, Settings
from davylamp.gates import Channel

KEY = Key("models", "risk")
PARENT = {"kind": "ModelDeployment", "metadata": {"namespace": "models", "name": "risk"}}
ASKED = Inspection(
    "aaaaaaaaaa",
    datetime(2026, 11, 1, tzinfo=UTC),
    (CheckName.GOLDEN,),
    Expected("v1", "2026-11-01", 42),
    PodAddress("risk-a-1", "uid-1", "10.0.0.1", 8080),
)


@pytest.fixture
def process() -> Iterator:
    """An operator that is not connected to anything."""
    with contextlib.ExitStack() as stack:

        def make(**settings: bool | MetricSettings) -> Operator:
            made = Operator(Settings(**settings), client=None)
            stack.callback(made.source.close)
            return made

        yield make


async def test_a_standby_asks_nobody_about_anything(process):
    standby = process()
    standby.sampler.follow(KEY, Subject("models", "risk-a"))
    standby.inspector.follow(KEY, ASKED)
    assert await standby._process(KEY) is None
    assert standby.sampler.evidence(KEY) == TrackedEvidence()
    assert standby.inspector._take_due() == []


async def test_who_leads_no_longer_asks_no_pods_any_more(process):
    leader = process()
    leader._cache.put(PARENT)
    leader.inspector.follow(KEY, ASKED)
    leader._stopped()
    assert leader.inspector._take_due() == []


class Pass:
    """A pass that does something of its own, on an operator's real reconciler."""

    def __init__(self, operator: Operator, do: Callable[[], None]) -> None:
        self.stand_by = operator._reconcile.stand_by
        self._do = do

    async def __call__(self, key: Key) -> float:
        self._do()
        return 10.0


async def test_a_pass_that_outlives_the_lease_leaves_nothing_followed(process):
    operator = process(leader_election=False)

    def lose_the_lease() -> None:
        operator.sampler.follow(KEY, Subject("models", "risk-a"))
        operator._settings = Settings(leader_election=True)

    operator._reconcile = Pass(operator, lose_the_lease)
    await operator._process(KEY)
    assert operator.sampler.evidence(KEY) == TrackedEvidence()


async def test_what_was_refused_is_tried_again_later(process):
    operator = process(leader_election=False)

    def refuse() -> None:
        raise Terminal("NameTaken", "Service risk exists already and is not ours")

    operator._reconcile = Pass(operator, refuse)
    with pytest.raises(Terminal):
        await operator._process(KEY)
    assert list(operator.queue._timers) == [KEY]
    operator.queue.forget(KEY)


def test_a_selector_that_only_prometheus_understands_turns_the_fast_lane_off(process, caplog):
    series = SeriesNames(requests_selector=r'handler=~"/predict\\z"')
    operator = process(metrics=MetricSettings(series=series))
    assert operator.pods is None
    assert "predict" in caplog.text


async def test_the_source_counts_as_down_when_counters_cannot_be_asked_for(process):
    operator = process(metrics=MetricSettings(url="http://127.0.0.1:9"))
    up = functools.partial(operator.metrics.registry.get_sample_value, "davylamp_source_up")
    with pytest.raises(SourceError):
        await operator.source.values(RangeQuery(promql="up", start=0, end=0, step=1))
    assert up() == 1, "that was a query of a user's own"
    series = MetricSettings().series
    pods = frozenset({("models", "risk-a")})
    asked = CounterQuery(
        workloads=pods, at=60.0, window=60.0, channel=Channel.ERRORS, series=series
    )
    with pytest.raises(SourceError):
        await operator.source.scrapes(asked)
    assert up() == 0
