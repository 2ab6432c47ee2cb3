"""How often something may be done: a burst, then a pace, each key for itself."""

import pytest

from davylamp.controller.fairness.pace import Pace


def done(pace: Pace[str], key: str, *, until: float, every: float = 0.1) -> list[float]:
    """Times at which something is done that somebody wants to do all the time."""
    times = []
    for tick in range(round(until / every)):
        now = tick * every
        if pace.due(key) <= now:
            pace.note(key, now)
            times.append(now)
    return times


def test_some_in_a_row_and_then_at_a_pace():
    times = done(Pace(burst=5, per_second=2), "a", until=10)
    assert times[4] < 0.5
    assert len(times) == pytest.approx(5 + 2 * 10, abs=1)


def test_each_key_has_its_own():
    pace: Pace[str] = Pace(burst=2, per_second=1)
    done(pace, "a", until=1)
    assert pace.due("a") >= 1
    assert pace.due("b") <= 0


def test_who_pauses_has_a_burst_again():
    pace: Pace[str] = Pace(burst=3, per_second=1)
    for _ in range(3):
        pace.note("a", 0.0)
    assert pace.due("a") == pytest.approx(1.0)
    assert pace.due("a") <= 3.0
    for _ in range(3):
        assert pace.due("a") <= 10.0
        pace.note("a", 10.0)
    assert pace.due("a") > 10.0


def test_nothing_is_kept_of_keys_that_are_gone():
    pace: Pace[int] = Pace(burst=2, per_second=1)
    for key in range(100_000):
        pace.note(key, key)
    assert len(pace) < 100


@pytest.mark.parametrize(("burst", "per_second"), [(0, 1.0), (1, 0.0), (1, float("nan"))])
def test_never_is_no_pace(burst, per_second):
    with pytest.raises(ValueError, match="pace"):
        Pace(burst=burst, per_second=per_second)
