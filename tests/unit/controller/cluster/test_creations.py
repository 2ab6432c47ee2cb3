"""How often an object may be made, second by second of a clock of its own."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.owning.creations import (
    ALTOGETHER,
    PER_OBJECT,
    CreationLoop,
    Creations,
)

KEY = Key("models", "risk")
START = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def made(creations: Creations, kind: str = "Deployment", name: str = "risk-a") -> bool:
    """Whether an object may be made; it is, then."""
    try:
        creations.admit(KEY, kind, name)
    except CreationLoop:
        return False
    creations.note(KEY, kind, name)
    return True


@given(st.lists(st.integers(0, 120), min_size=1, max_size=120))
def test_no_window_of_any_length_holds_more_than_its_bound(pauses):
    clock, times = Clock(), []
    creations = Creations(clock)
    for pause in pauses:
        clock.now += timedelta(seconds=pause)
        if made(creations):
            times.append(clock.now)
    for bound in PER_OBJECT:
        for begin in times:
            assert sum(begin <= at < begin + bound.within for at in times) <= bound.creations


def test_a_loop_is_told_with_when_it_goes_on():
    clock = Clock()
    creations = Creations(clock)
    for _ in range(5):
        assert made(creations)
    for _ in range(3):
        with pytest.raises(CreationLoop) as refused:
            creations.admit(KEY, "Deployment", "risk-a")
    assert "Deployment risk-a was made 5 times within 1m00s" in str(refused.value)
    assert "made again at 03:01:00Z" in str(refused.value)
    assert (refused.value.reason, refused.value.after) == ("CreationLoop", 60)
    clock.now += timedelta(minutes=1)
    assert made(creations)
    assert made(creations, name="risk-b"), "another object is not in the loop"


def test_all_objects_together_are_bounded_too():
    creations = Creations(Clock())
    count = sum(made(creations, name=f"risk-{number}") for number in range(200))
    assert count == ALTOGETHER[0].creations


def test_what_is_gone_is_forgotten():
    creations = Creations(Clock())
    while made(creations):
        pass
    creations.forget(KEY)
    assert made(creations)
