"""Lines of a pod's text are taken as they arrive, and none of them fills the memory."""

import pytest

from davylamp.adapters.pods.exposition import LONGEST_LINE, WantedLines

PIECE = b"x" * 4096


def test_of_an_endless_line_of_another_metric_no_more_is_kept_than_tells_so():
    lines = WantedLines((b"wanted_total",))
    kept = []
    for _ in range(16):
        lines.add(PIECE)
        kept.append(len(lines._rest))
    lines.add(b"\nwanted_total 1\n")
    assert max(kept) == LONGEST_LINE
    assert lines.end() == [b"wanted_total 1"]


def test_an_endless_line_that_is_wanted_is_refused_before_it_ends():
    lines = WantedLines((b"wanted_total",))
    with pytest.raises(ValueError, match="more metrics than can be read"):
        lines.add(b"wanted_total" + PIECE)
