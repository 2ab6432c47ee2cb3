"""When those who look at pods are aimed anew: when something changed, not whenever a clock moved."""

from datetime import timedelta

from tests.support.nature import world_in

from davylamp.api.spec import Rollout
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.pods import read_pod
from davylamp.controller.cluster.stored import StoredChildren
from davylamp.controller.evidence.subjects import ReadSettings
from davylamp.controller.pods.clock import PodClock
from davylamp.controller.reconcile.following import Following
from davylamp.controller.reconcile.passes import Children, read_parent

KEY = Key("models", "risk")
ROLLOUT = Rollout()
RECORDS: dict = {}
STORED = StoredChildren("uid")


class Aims:
    """Whoever is aimed, and shows what is aimed at."""

    def __init__(self) -> None:
        self.times = 0

    def follow(self, _key: Key, _aim: object) -> None:
        self.times += 1

    def show(self, *_args: object) -> None: ...


def pod(*, ready: bool) -> dict:
    condition = {
        "type": "Ready",
        "status": str(ready),
        "lastTransitionTime": "2026-11-01T00:00:00Z",
    }
    return {
        "metadata": {"name": "risk-1", "namespace": KEY.namespace, "uid": "1"},
        "status": {"conditions": [condition]},
    }


def test_pods_are_aimed_at_once_for_each_version_of_them_and_not_as_time_goes_by():
    world, ticks, aims = world_in("Canary"), iter(range(0, 100, 7)), Aims()
    status = world.status
    clock = PodClock(lambda: next(ticks) + 0.001)
    following = Following(tracker=aims, checker=Aims(), metrics=aims, reading=ReadSettings())
    parent = read_parent(KEY, {"metadata": {"name": KEY.name, "namespace": KEY.namespace}})

    def look(item: dict, seconds: float) -> int:
        now = world.now + timedelta(seconds=seconds)
        pods = clock.timed(KEY, [read_pod(item)], now)
        children = Children(RECORDS, {}, pods, STORED)
        following.aim(parent, children, status, ROLLOUT)
        return aims.times

    first = pod(ready=True)
    assert look(first, 0.0) == 1
    assert look(first, 7.0123) == 1
    assert look(pod(ready=False), 14.0456) == 2
