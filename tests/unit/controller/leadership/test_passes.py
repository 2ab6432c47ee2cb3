"""Only the leader makes passes; who stands by reads nothing, and what was refused is tried again."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from tests.support.operation import Land

from davylamp.adapters.errors import Forbidden, OperatorError, Terminal
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.pods import read_pod
from davylamp.controller.leadership.passes import RETRY_REFUSED, LeaderPasses

KEY = Key("models", "risk")
OTHER = Key("models", "other")


@dataclass
class Scene:
    """A process, its leadership, and a reconciler that does what it is made to do."""

    leading: bool = True
    knows: bool = True
    loses_the_lease: bool = False
    error: Exception | None = None
    unlisted: OperatorError | None = None
    passes: list[Key] = field(default_factory=list)
    told: list[tuple[Key, OperatorError]] = field(default_factory=list)
    let_go: list[Key] = field(default_factory=list)
    wake_ups: list[tuple[Key, float]] = field(default_factory=list)

    async def __call__(self, key: Key) -> float:
        self.passes.append(key)
        if self.loses_the_lease:
            self.leading = False
        if self.error:
            raise self.error
        return 10.0

    async def unobserved(self, key: Key, error: OperatorError) -> float:
        self.told.append((key, error))
        return 30.0

    def stand_by(self, key: Key) -> None:
        self.let_go.append(key)

    def made(self) -> LeaderPasses:
        return LeaderPasses(
            self,
            is_leading=lambda: self.leading,
            knows=lambda _namespace: self.knows,
            refused=lambda _namespace: self.unlisted,
            wake_after=lambda key, seconds: self.wake_ups.append((key, seconds)),
        )


async def test_the_leader_reconciles_and_learns_when_the_next_pass_is_due():
    scene = Scene()
    assert await scene.made()(KEY) == 10.0
    assert (scene.passes, scene.let_go, scene.wake_ups) == ([KEY], [], [])


async def test_nothing_is_decided_before_everything_is_known():
    scene = Scene(knows=False)
    assert await scene.made()(KEY) is None
    assert (scene.passes, scene.let_go, scene.told) == ([], [], [])


async def test_what_keeps_children_from_being_known_is_told_by_the_leader():
    error = Forbidden("list Pod: 403")
    scene = Scene(knows=False, unlisted=error)
    assert await scene.made()(KEY) == 30.0
    assert (scene.passes, scene.told) == ([], [(KEY, error)])
    scene = Scene(knows=False, unlisted=error, leading=False)
    assert await scene.made()(KEY) is None
    assert not scene.told


async def test_a_standby_reconciles_nothing_and_reads_nothing():
    scene = Scene(leading=False)
    assert await scene.made()(KEY) is None
    assert (scene.passes, scene.let_go) == ([], [KEY])


async def test_a_pass_that_outlives_the_lease_leaves_nothing_that_is_read():
    scene = Scene(loses_the_lease=True)
    await scene.made()(KEY)
    assert (scene.passes, scene.let_go) == ([KEY], [KEY])


async def test_a_bug_in_a_pass_that_outlives_the_lease_leaves_nothing_that_is_read_either():
    scene = Scene(loses_the_lease=True, error=RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        await scene.made()(KEY)
    assert scene.let_go == [KEY]


async def test_what_was_refused_is_tried_again_later():
    scene = Scene(error=Terminal("NameTaken", "Service risk exists already and is not ours"))
    with pytest.raises(Terminal):
        await scene.made()(KEY)
    assert scene.wake_ups == [(KEY, RETRY_REFUSED)]


def test_lost_leadership_lets_every_object_go():
    scene = Scene()
    scene.made().stand_by([KEY, OTHER])
    assert scene.let_go == [KEY, OTHER]


async def test_p9_a_process_that_lost_leadership_asks_neither_prometheus_nor_pods():
    land = Land()
    land.apply("v1")
    await land.settle()
    land.models.silent.add("v2")
    land.apply("v2")
    await land.until(lambda: ("v2", "/manifest") in land.models.asked)
    operator = land.operator
    passes = LeaderPasses(
        operator.reconcile,
        is_leading=lambda: False,
        knows=lambda _namespace: True,
        wake_after=lambda _key, _seconds: None,
    )
    passes.stand_by(operator.cache.parents())
    asked, queried = len(land.models.asked), land.prometheus.polls()
    for _ in range(30):
        land.now += timedelta(seconds=1)
        await operator.sampler.poll()
        await operator.inspector.poll()
    assert (len(land.models.asked), land.prometheus.polls()) == (asked, queried)


async def test_a_process_that_lost_leadership_reads_no_events_of_pods():
    land = Land()
    land.apply("v1")
    await land.settle()
    operator = land.operator
    (pod, *_) = land.cluster.find("Pod")
    silent = {**pod, "spec": {"nodeName": "node-1"}, "status": {"phase": "Pending"}}
    operator.warnings.noted(KEY, [read_pod(silent)])
    (known,) = operator.cache.parents()
    operator.reconcile.stand_by(known)
    for _ in range(600):
        land.now += timedelta(seconds=1)
        await operator.warnings.poll()
    assert known == KEY
    assert not land.cluster.reads["list", "Event"]
