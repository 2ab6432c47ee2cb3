"""The lines that a waiting user reads."""

import pytest

from localcluster import progress
from localcluster.progress import Progress


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (125, "2 min 5 s"), (300, "5 min")],
)
def test_durations_read_well(seconds, expected):
    assert progress.duration_text(seconds) == expected


def test_short_steps_carry_no_estimate():
    assert progress.start_text("loading an image", 3) == "loading an image ..."
    assert progress.start_text("building helm", 90) == "building helm (about 1 min 30 s) ..."


def test_a_late_step_says_so():
    assert progress.heartbeat_text("x", 20, 60) == "x: 20 s of about 1 min"
    assert progress.heartbeat_text("x", 80, 60) == "x: 1 min 20 s, expected 1 min; still running"


def test_steps_announce_themselves_and_count_down_what_is_left():
    lines = []
    shown = Progress(write=lines.append)
    shown.plan(100)
    with shown.step("first", expected=40, planned=True):
        assert len(lines) == 1
    with shown.step("second", expected=60, planned=True):
        pass
    assert [line.split("] ")[1] for line in lines] == [
        "first (about 40 s) ...\n",
        "first: done in 0 s; about 1 min left\n",
        "second (about 1 min) ...\n",
        "second: done in 0 s\n",
    ]


def test_a_failed_step_is_not_reported_as_done():
    lines = []
    shown = Progress(write=lines.append)
    with pytest.raises(RuntimeError), shown.step("first"):
        raise RuntimeError
    assert not any("done" in line for line in lines)
