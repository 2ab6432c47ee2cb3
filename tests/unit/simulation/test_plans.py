import pytest

from davylamp.api.gates import Gate
from davylamp.api.spec import Rollout, Step
from davylamp.gates import SCORES, ShareChange
from davylamp.gates.kinds.error_rate import ErrorRateSpec
from davylamp.gates.kinds.latency import LatencySpec
from davylamp.gates.kinds.query import QuerySpec
from davylamp.simulation import plans

STEPS = (Step(weight=5, hold="1m"), Step(weight=25, hold="2m"), Step(weight=50, pause=True))
BOTH = (
    Gate(name="errors", error_rate=ErrorRateSpec()),
    Gate(name="slow", latency=LatencySpec(over="250ms")),
)


def test_shares_are_whole_pods_and_steps_last_as_long_as_they_hold():
    found = plans.schedule(Rollout(steps=STEPS), 4, 100.0, 5.0)
    assert found.weights == (ShareChange(0.0, 0.2), ShareChange(120.0, 0.5))
    assert found.ends == 120.0 + plans.PAUSE
    assert [found.share(at) for at in (0.0, 119.0, 120.0, 1e6)] == [0.2, 0.2, 0.5, 0.5]


def test_little_traffic_makes_steps_longer():
    found = plans.schedule(Rollout(steps=STEPS, min_requests=50), 4, 1.0, 5.0)
    assert found.weights[1].at == 250.0


def test_steps_without_a_pod_are_refused():
    with pytest.raises(ValueError, match="one canary pod is 50 % of traffic"):
        plans.schedule(Rollout(steps=STEPS[:2]), 1, 100.0, 5.0)


def test_gates_that_need_more_than_errors_are_told_apart():
    assert plans.judged(Rollout(gates=BOTH)).others == ("slow",)
    alone = plans.judged(Rollout(gates=BOTH[1:]))
    assert (alone.stands_in, alone.rollout.gates) == (True, (plans.DEFAULT_GATE,))


def test_user_queries_are_told_apart_one_by_one():
    gates = (
        BOTH[0],
        Gate(name="seen", query=QuerySpec(promql="up", max="1")),
        Gate(name="unseen", query=QuerySpec(promql="up", max="1")),
    )
    rollout = Rollout(gates=gates)
    assert plans.judged(rollout, own=["seen"]).others == ("unseen",)
    found = plans.trials(rollout, [ShareChange(0.0, 0.2)], 5.0, read=plans.Readable(own=["seen"]))
    assert list(found) == ["errors", "seen"]


def test_nothing_stands_in_where_errors_are_not_known():
    alone = plans.judged(Rollout(gates=BOTH[1:]), channels=[SCORES])
    assert (alone.stands_in, alone.others) == (False, ("slow",))


def test_trials_are_those_of_the_spec_at_exact_times():
    at = 1e-7
    found = plans.trials(Rollout(gates=BOTH), [ShareChange(at, 0.2)], 5.0)
    assert list(found) == ["errors"]
    assert found["errors"].started_at == at
    assert found["errors"].rule.false_rollback == pytest.approx(0.0045)
