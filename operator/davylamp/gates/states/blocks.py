"""When a block is open, what may enter it, and when it closes.

The rules look at request counts, sample times and weight changes, never at errors: a block whose
end depended on its errors would void the bound on false rollbacks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from davylamp.gates.counts import NOTHING, Count
from davylamp.gates.samples import PodIncrement
from davylamp.gates.states.gate_state import Moment
from davylamp.gates.trial import Trial

PROPAGATION: Final = 2.0
"""Seconds after a weight change in which the traffic may still be moving."""

LOST_AFTER: Final = 3.0
"""Scrape intervals without a sample after which a pod no longer holds a block open."""

OVERDUE_AFTER: Final = 1.5
"""Scrape intervals after which a pod's next sample is late: a block waits for it."""

TROUBLED: Final = 3
"""Times as many blocks have to agree while stable fails as well and scrapes are out of step."""

_FEWEST_REQUESTS: Final = 10


@dataclass(frozen=True, slots=True)
class Block:
    """The block that is being filled; `began` in epoch seconds."""

    began: float
    candidate: Count = NOTHING
    stable: Count = NOTHING


def shifted(trial: Trial, block: Block, now: float) -> Block:
    """Drop what a block has gathered if the weight changed since it began."""
    shift = trial.last_shift(now)
    return Block(began=shift) if shift > block.began else block


def filled(trial: Trial, block: Block, increments: Iterable[PodIncrement], now: float) -> Block:
    """Add the increments of one instant that may be compared inside this block."""
    shift = trial.last_shift(now)
    reach = block.began - OVERDUE_AFTER * trial.scrape_interval
    if now <= shift + PROPAGATION:
        return block
    usable = [increment for increment in increments if increment.since >= max(shift, reach)]
    return replace(
        block,
        candidate=_total(block.candidate, usable, candidate=True),
        stable=_total(block.stable, usable, candidate=False),
    )


def closes(trial: Trial, block: Block, at: Moment) -> bool:
    """Tell whether both revisions were scraped over the same time, often enough to compare.

    Every candidate pod alive must have been scraped since the block began, so a block lasts about
    one scrape interval at least; a stable pod holds it open only when its scrape is late.
    """
    smaller, bigger = block.candidate, block.stable
    if smaller.requests < 1 or bigger.requests < 1:
        return False
    if smaller.requests + bigger.requests < _wanted(trial.weight_at(at.now)):
        return False
    return _all_scraped(trial, block, at)


def closes_alone(trial: Trial, block: Block, at: Moment) -> bool:
    """Tell the same of a block of canary traffic with nothing to compare it with."""
    enough = block.candidate.requests >= _FEWEST_REQUESTS
    return enough and _all_scraped(trial, block, at, candidate_only=True)


def agreeing(trial: Trial, block: Block, at: Moment, *, least: int, calm: float = 1.0) -> int:
    """How many blocks have to agree, as far as this one's scrapes are out of step.

    An incident of both revisions shows on one of them earlier by the time between their scrapes,
    and so in 1 + ceil(offset / length) blocks at each of its ends before it cancels. They must not
    decide, so where stable itself fails more than `calm` several times as many have to agree: of
    two spoiled blocks in a row, one is like that. Asking more of a block for what it shows only
    lowers its evidence. Sweeps that read all pods at once are in step. The first block may be
    short; the one after it is not.
    """
    living = [
        (key.is_candidate, sample.time)
        for key, sample in at.last.items()
        if at.now - sample.time <= LOST_AFTER * trial.scrape_interval
    ]
    mine = [time for candidate, time in living if candidate]
    theirs = [time for candidate, time in living if not candidate]
    if not mine or not theirs:
        return least
    offset = max(max(mine) - min(theirs), max(theirs) - min(mine))
    length = max(at.now - block.began, trial.scrape_interval)
    wanted = max(least, 1 + math.ceil(offset / length))
    troubled = offset > 0 and _fails(block.stable, calm)
    return TROUBLED * wanted if troubled else wanted


def _fails(stable: Count, calm: float) -> bool:
    """Tell whether stable's errors are more than `calm` and chance would give (three deviations)."""
    expected = calm * stable.requests
    return stable.errors > expected + 3 * math.sqrt(expected) + 3


def _all_scraped(trial: Trial, block: Block, at: Moment, *, candidate_only: bool = False) -> bool:
    for key, sample in at.last.items():
        age = (at.now - sample.time) / trial.scrape_interval
        if age > LOST_AFTER:
            continue
        if key.is_candidate and sample.time <= block.began:
            return False
        if not key.is_candidate and not candidate_only and age > OVERDUE_AFTER:
            return False
    return True


def _wanted(weight: float) -> float:
    """Requests below which a block could not show a difference at this split."""
    other = 1 / (1 - weight) if weight < 1 else math.inf
    return max(1 / weight, other, _FEWEST_REQUESTS)


def _total(before: Count, increments: Iterable[PodIncrement], *, candidate: bool) -> Count:
    counts = (increment.count for increment in increments if increment.candidate is candidate)
    return sum(counts, before)
