"""What one process remembers of pods; another one begins anew."""

from datetime import UTC, datetime, timedelta

from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.pods import read_pod
from davylamp.controller.pods.clock import PodClock

KEY = Key("models", "risk")
NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)


def pod(uid="1", *, ready="True", stamp="1990-01-01T00:00:00Z"):
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": stamp}
    return read_pod(
        {
            "metadata": {"name": f"risk-{uid}", "uid": uid},
            "status": {"startTime": stamp, "conditions": [condition]},
        }
    )


class Ticks:
    """A clock that is moved by hand."""

    now = 100.0

    def __call__(self):
        return self.now


def test_a_wall_clock_that_jumps_changes_no_duration():
    ticks = Ticks()
    clock = PodClock(ticks)
    clock.timed(KEY, [pod()], NOW)
    ticks.now += 30
    jumped = NOW + timedelta(days=3)
    (timed,) = clock.timed(KEY, [pod()], jumped)
    assert jumped - timed.state.ready_since == timedelta(seconds=30)


def test_a_wall_clock_that_is_set_anew_is_not_believed_at_once():
    """What stands in the status was by the old one, so holds and deadlines are not over yet."""
    ticks = Ticks()
    clock = PodClock(ticks)
    clock.timed(KEY, [pod()], NOW)
    ticks.now += 600
    later = NOW + timedelta(seconds=601)
    assert later - clock.watched_since(KEY, later) == timedelta(seconds=600)
    jumped = later + timedelta(hours=1)
    assert clock.watched_since(KEY, jumped) == jumped
    ticks.now += 30
    later = jumped + timedelta(seconds=30)
    assert later - clock.watched_since(KEY, later) == timedelta(seconds=30)


def test_another_pod_of_the_same_name_is_another_pod():
    ticks = Ticks()
    clock = PodClock(ticks)
    clock.timed(KEY, [pod("1")], NOW)
    ticks.now += 30
    (timed,) = clock.timed(KEY, [pod("2", ready="False")], NOW)
    assert timed.state.unready_since == NOW
    assert not timed.state.was_ready


def test_what_nobody_looks_at_is_forgotten():
    ticks = Ticks()
    clock = PodClock(ticks)
    clock.timed(KEY, [pod()], NOW)
    ticks.now += 30
    clock.forget(KEY)
    assert clock.watched_since(KEY, NOW) == NOW
    (timed,) = clock.timed(KEY, [pod()], NOW)
    assert timed.state.ready_since == NOW
