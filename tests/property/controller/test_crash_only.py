"""P5 with the real controller: killed anywhere, hearing late, it ends where it would have ended."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.support.fakecluster import Killed, Write
from tests.support.kubelets import Health
from tests.support.operation import NAMESPACE, QUICK, Land

from davylamp.controller.cluster.writes import Blocked, WriteStep
from davylamp.controller.reconcile import reconciler
from davylamp.controller.reconcile.writes import WritePlan, WriteStatus

PLAN = {**QUICK, "steps": [{"weight": 50, "hold": "5s"}], "probation": "10s", "history": 2}
tags = st.lists(st.sampled_from(["v2", "v3", "v4"]), min_size=1, max_size=4)
fates = st.sampled_from(["good", "errors", "wrong", "silent", Health.CRASHES, Health.NEVER_READY])
deaths = st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=12)


class Reaper:
    """Kills the process at writes counted from the last death, before or after them."""

    def __init__(self, plan: list[tuple[int, bool]]) -> None:
        self._plan = list(plan)
        self._writes = 0

    def before(self, _: Write) -> None:
        self._writes += 1
        self._strike(after=False)

    def after(self, _: Write) -> None:
        self._strike(after=True)

    def _strike(self, *, after: bool) -> None:
        if self._plan and self._plan[0] == (self._writes, after):
            del self._plan[0]
            self._writes = 0
            raise Killed


def another_seed(server):
    server.manifest["seed"] = 7


async def played(script, fate, plan, late=None):
    """The end of a story: each tag is applied when the one before has come to its end."""
    land = Land(late=late)
    reaper = Reaper(plan)
    land.cluster.before.append(reaper.before)
    land.cluster.after.append(reaper.after)
    for tag, kind in fate.items():
        if kind == "errors":
            land.prometheus.error_share[tag] = 0.3
        elif kind == "wrong":
            land.models.wrong[tag] = another_seed
        elif kind == "silent":
            land.models.silent.add(tag)
        elif kind != "good":
            land.kubelets.health[tag] = kind
    for tag in ("v1", *script):
        land.apply(tag, rollout=PLAN)
        await land.settle()
    event(f"{land.deaths} deaths")
    return land.end()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    script=tags,
    fate=st.fixed_dictionaries(dict.fromkeys(("v2", "v3", "v4"), fates)),
    plan=deaths,
    seed=st.integers(0, 2**16),
)
def test_p5_killed_anywhere_and_hearing_late_it_ends_the_same(script, fate, plan, seed):
    undisturbed = asyncio.run(played(script, fate, []))
    assert asyncio.run(played(script, fate, plan, random.Random(seed))) == undisturbed


# --- killed after a prefix of a plan --------------------------------------------------------------


class PlanReaper:
    """Cuts plans: some busy ones pass, of the next a prefix is written, then the process dies."""

    def __init__(self, cuts: list[tuple[int, int]]) -> None:
        self._cuts = list(cuts)
        self.lengths: list[int] = []
        """Of each busy plan, in order."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        planned = reconciler.write_plan

        def cut(*args) -> WritePlan:
            return self._cut(planned(*args))

        with patch.object(reconciler, "write_plan", cut):
            yield

    def _cut(self, plan: WritePlan) -> WritePlan:
        if all(isinstance(write, WriteStatus) for write in plan.writes):
            return plan
        self.lengths.append(len(plan.writes))
        if not self._cuts:
            return plan
        passing, length = self._cuts[0]
        if passing:
            self._cuts[0] = passing - 1, length
            return plan
        del self._cuts[0]
        return prefix(plan, length)


def prefix(plan: WritePlan, length: int) -> WritePlan:
    """A plan of which some writes are made; the process dies at the next."""
    rest = plan.writes[length:]
    step = rest[0].step if rest else WriteStep.NIGHTLY
    if step is WriteStep.FLIGHT_RECORD:  # nothing but flight records is written there
        step = WriteStep.STATUS
    return replace(plan, writes=(*plan.writes[:length], Blocked(step, "", "", Killed())))


PIN = [{"name": "licence", "policy": "Pin"}]


async def cut_story(cuts):
    """A first revision, a bad one, one that is superseded, an undo: with Secret, Job and history."""
    land, reaper = Land(), PlanReaper(cuts)
    metadata = {"name": "licence", "namespace": NAMESPACE}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"key": "b25l"}}
    land.cluster.put(secret)
    land.prometheus.error_share["v2"] = 0.3
    with reaper.at_work():
        for tag in ("v1", "v2"):
            land.apply(tag, rollout=PLAN, secrets=PIN, explanations={"schedule": "17 3 * * *"})
            await land.settle()
        land.apply("v3")
        await land.until(lambda: "v3" in land.serving())
        for tag in ("v4", "v1"):
            land.apply(tag)
            await land.settle()
    return land, reaper


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 14)), min_size=1, max_size=6))
def test_p5_killed_after_any_prefix_of_any_plan_it_ends_the_same(cuts):
    land, _ = asyncio.run(cut_story(cuts))
    undisturbed, _ = asyncio.run(cut_story([]))
    event(f"{land.deaths} deaths")
    assert land.deaths
    assert land.end() == undisturbed.end()


@pytest.mark.parametrize("number", range(6))
def test_p5_killed_after_each_prefix_of_a_busy_plan(number):
    """Every cut between two writes of the longest plans of the story."""
    undisturbed, reaper = asyncio.run(cut_story([]))
    longest = sorted(range(len(reaper.lengths)), key=lambda at: -reaper.lengths[at])
    busy = longest[number]
    for length in range(reaper.lengths[busy] + 1):
        land, _ = asyncio.run(cut_story([(busy, length)]))
        assert land.deaths == 1
        assert land.end() == undisturbed.end(), f"plan {busy} cut after {length} writes"
