"""What the process does around a pass: standing by, and trying again what was refused."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from davylamp.adapters.errors import Terminal
from davylamp.controller.app import Operator
from davylamp.controller.cache import Key
from davylamp.controller.sampler import Evidence, Subject
from davylamp.controller.settings import Settings

KEY = Key("models", "risk")


@pytest.fixture
def process() -> Iterator:
    """An operator that is not connected to anything."""
    with contextlib.ExitStack() as stack:

        def make(**settings: bool) -> Operator:
            made = Operator(Settings(**settings), client=None)
            stack.callback(made.source.close)
            return made

        yield make


async def test_a_standby_asks_prometheus_about_nothing(process):
    standby = process()
    standby.sampler.follow(KEY, Subject("models", "risk-a"))
    assert await standby._process(KEY) is None
    assert standby.sampler.evidence(KEY) == Evidence()


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
    assert operator.sampler.evidence(KEY) == Evidence()


async def test_what_was_refused_is_tried_again_later(process):
    operator = process(leader_election=False)

    def refuse() -> None:
        raise Terminal("NameTaken", "Service risk exists already and is not ours")

    operator._reconcile = Pass(operator, refuse)
    with pytest.raises(Terminal):
        await operator._process(KEY)
    assert list(operator.queue._timers) == [KEY]
    operator.queue.forget(KEY)
