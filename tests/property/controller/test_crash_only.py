"""P5 with the real controller: killed anywhere, hearing late, it ends where it would have ended."""

import asyncio
import random

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.support.fakecluster import Killed, Write
from tests.support.kubelets import Health
from tests.support.operation import QUICK, Land

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
