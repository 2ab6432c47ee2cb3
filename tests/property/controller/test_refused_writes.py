"""P5 under refusals: whatever is refused for a while, and however, it ends as it would have ended."""

import asyncio

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.support.fakecluster import Write
from tests.support.operation import QUICK, Land

from davylamp.adapters.errors import Conflict, Forbidden, Retryable, Terminal
from davylamp.controller.obstacles.obstacles import LONGEST_WAIT

PLAN = {**QUICK, "steps": [{"weight": 50, "hold": "5s"}], "probation": "10s", "history": 2}
ERRORS = (
    Conflict("409"),
    Forbidden("403 policy", by="the policy p"),
    Retryable("500 webhook", by="the webhook w"),
    Terminal("Invalid", "422"),
)
spans = st.lists(
    st.tuples(st.integers(1, 60), st.integers(1, 6), st.sampled_from(ERRORS)), max_size=6
)
"""Writes counted from the last span on, how many are refused, and with what."""


class Moody:
    """An API server that refuses some writes in a row, now and then."""

    def __init__(self, plan: list[tuple[int, int, Exception]]) -> None:
        self._plan = list(plan)
        self._passed = 0
        self._refused = 0
        self.refused = 0

    def __call__(self, write: Write) -> None:
        if write.kind == "Event" or write.name.endswith("-flight") or not self._plan:
            return  # they may be lost
        number, length, error = self._plan[0]
        if self._passed < number:
            self._passed += 1
            return
        self._refused += 1
        self.refused += 1
        if self._refused == length:
            self._passed = self._refused = 0
            del self._plan[0]
        raise error


async def played(plan: list[tuple[int, int, Exception]]) -> dict:
    """A first revision, a bad one, a good one, and an undo."""
    land, moody = Land(), Moody(plan)
    land.cluster.before.append(moody)
    land.prometheus.error_share["v2"] = 0.3
    for tag in ("v1", "v2", "v3", "v1"):
        land.apply(tag, rollout=PLAN)
        await land.settle()
        await land.run(int(LONGEST_WAIT))  # what was refused last is tried again by then
        await land.settle()
    event(f"{moody.refused} refused")
    assert land.condition("Obstructed") is None
    return land.end()


def without_husks(end: dict, unhindered: dict) -> dict:
    """An end where an empty Deployment may be missing: its record alone keeps a revision.

    A fence that is refused in every milder way deletes one; a return makes it again.
    """
    empty = set(unhindered["kept"]["Deployment"]) - set(end["kept"]["Deployment"])
    kept = sorted(empty.union(end["kept"]["Deployment"]))
    return {**end, "kept": {**end["kept"], "Deployment": kept}}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=spans)
def test_p5_whatever_is_refused_for_a_while_it_ends_the_same(plan):
    unhindered = asyncio.run(played([]))
    assert without_husks(asyncio.run(played(plan)), unhindered) == unhindered
