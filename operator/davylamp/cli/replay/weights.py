"""Changes of the canary's share, as written on the command line: `t:w,t:w`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from davylamp.cli.errors import UsageError
from davylamp.gates import Sample, ShareChange
from davylamp.gates.samples import increment

_SMALLEST: Final = 1e-6
_EXAMPLE: Final = "write for example 0:25,300:50%"


def parse_weights(text: str) -> tuple[ShareChange, ...]:
    """The changes; a weight is in percent as in the spec, or a fraction such as 0.25.

    Raises:
        UsageError: the text is not such a list, or its times do not rise.
    """
    changes = tuple(_change(pair.strip()) for pair in text.split(","))
    times = [change.at for change in changes]
    if times != sorted(times):
        raise UsageError(f"--weights {text}: times must rise")
    return changes


def estimated_share(
    candidate: Iterable[Sequence[Sample]], stable: Iterable[Sequence[Sample]], since: float
) -> float:
    """The canary's share of all requests after a time; a half if there were none."""
    canary = _requests(candidate, since, starts_at_zero=True)
    total = canary + _requests(stable, since, starts_at_zero=False)
    return min(1 - _SMALLEST, max(_SMALLEST, canary / total)) if total else 0.5


def _change(pair: str) -> ShareChange:
    time, colon, weight = pair.partition(":")
    try:
        at = float(time)
    except ValueError:
        at = math.nan
    if not colon or not math.isfinite(at):
        raise UsageError(f"--weights: {pair!r} is not time:weight; {_EXAMPLE}")
    return ShareChange(at, _weight(weight.strip()))


def _weight(text: str) -> float:
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = math.nan
    is_fraction = "." in text and not text.endswith("%") and value <= 1
    share = value if is_fraction else value / 100
    if not 0 < share <= 1:
        raise UsageError(f"--weights: {text!r} is not a weight above 0 and up to 100; {_EXAMPLE}")
    return share


def _requests(pods: Iterable[Sequence[Sample]], since: float, *, starts_at_zero: bool) -> int:
    """Requests after a time; `starts_at_zero`: also those that a first sample has counted."""
    return sum(_of_pod(samples, since, starts_at_zero=starts_at_zero) for samples in pods)


def _of_pod(samples: Sequence[Sample], since: float, *, starts_at_zero: bool) -> int:
    total, before = 0, None
    for sample in samples:
        if sample.time > since and (before is not None or starts_at_zero):
            total += increment(before, sample).requests
        before = sample
    return total
