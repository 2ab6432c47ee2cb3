"""Durations, percentages and ratios as people write them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from davylamp.schema.quantities import (
    DURATION_PATTERN,
    PERCENT_PATTERN,
    RATIO_PATTERN,
    fraction,
    seconds,
    spoken,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2h", 7200), ("1h0m5s", 3605), ("0s", 0)],
)
def test_a_duration_means_its_seconds(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "5", "m", "1.5h", "5 m", "-1m", "1m1h", "5M", "1d", "1w", "ten"]
)
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="90s, 5m or 1h30m"):
        seconds(text)


def test_the_longest_duration_that_can_be_written_still_fits_the_calendar():
    longest = "9999h99999m999999s"
    assert re.match(DURATION_PATTERN, longest)
    assert datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds(longest))


@pytest.mark.parametrize("text", ["99999h", "100000m", "1000000s"])
def test_longer_durations_are_refused(text):
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("1%", 0.01), ("0.5%", 0.005), ("100%", 1.0), ("0.0001%", 1e-6)]
)
def test_a_percentage_means_a_share(text, expected):
    assert fraction(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["1", "0.5", "101%", "1000%", "-1%", "%", "1.%", ".5%", "1 %", "100.1%"]
)
def test_what_is_no_percentage_is_refused(text):
    assert not re.match(PERCENT_PATTERN, text)
    with pytest.raises(ValueError, match="write for example"):
        fraction(text)


@pytest.mark.parametrize(
    ("text", "good"), [("1.5", True), ("2", True), ("", False), ("1e3", False)]
)
def test_ratios(text, good):
    assert bool(re.match(RATIO_PATTERN, text)) is good


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, "0s"), (-3, "0s"), (45.4, "45s"), (60, "1m00s"), (200, "3m20s"), (3900, "1h05m")],
)
def test_durations_are_spoken_the_way_people_say_them(amount, expected):
    assert spoken(amount) == expected
