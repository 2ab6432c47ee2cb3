"""What one evidence update costs in time, and what a rollout's gate keeps in memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from davylamp.gates import (
    ERRORS,
    Count,
    ErrorRate,
    GateFamily,
    Pair,
    Sample,
    Scrapes,
    ShareChange,
    Threshold,
    Trial,
    open_family,
    take_in,
)
from davylamp.gates.evidence import error_rate
from davylamp.gates.evidence.e_process import PRIOR, EvidenceCap, advance, levels
from davylamp.gates.samples import PodIncrement, PodKey
from davylamp.gates.states import threshold as classic
from davylamp.gates.states.threshold import ThresholdState

TYPICAL = Pair(Count(25, 1), Count(475, 1))
LARGE = Pair(Count(50_000, 12_500), Count(50_000, 12_500))
WORST = Pair(Count(1_000, 900), Count(475_000, 24_100))
MOST_TYPICAL = 100e-6
MOST_LARGE = 5e-3
RULE = ErrorRate(burst=1.0)
PACE = EvidenceCap()
WINDOWS = Threshold(max_rate=0.01, failures=1_000_000)
_TRIAL = Trial(WINDOWS, 0.0, (ShareChange(0.0, 0.05),))


def update_of(block: Pair) -> Callable[[], object]:
    """One evidence update: the block's likelihood ratios, the mixture, the two e-values."""
    evidence = advance(RULE, PRIOR, error_rate.gains(RULE, block), PACE)

    def update() -> object:
        after = advance(RULE, evidence, error_rate.gains(RULE, block), PACE)
        return levels(RULE, after)

    return update


def plain_check() -> object:
    """The classic rule's work for one scrape that ends a window."""
    book = ThresholdState(window=0)
    reading = PodIncrement(PodKey("candidate", "pod"), 55.0, TYPICAL.candidate)
    return classic.passed_to(_TRIAL.started_at, WINDOWS, classic.entered(book, [reading]), 61.0)


def seconds(work: Callable[[], object], repeats: int = 200) -> float:
    """Time of one call: the best of five rounds, which the machine disturbed least."""
    return min(_round(work, repeats) for _ in range(5)) / repeats


def _round(work: Callable[[], object], repeats: int) -> float:
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    return time.perf_counter() - began


def panel_after(blocks: int, *, candidates: int = 2, stables: int = 6) -> GateFamily:
    """What a rollout's gates remember after so many blocks with these pods."""
    trials = {"errors": Trial(ErrorRate(), 0.0, (ShareChange(0.0, 0.05),))}
    family = open_family(trials)

    def pods(name: str, count: int, since: int, at: int) -> dict[str, list[Sample]]:
        """Each with 50 requests and a fifth of an error a second since its start."""
        done = 5.0 * (at - since)
        sample = Sample(5.0 * at, 50 * done, done // 5)
        return {f"{name}-{i}": [sample] for i in range(count)} if at >= since else {}

    for at in range(-120, blocks + 1):
        seen = Scrapes(
            5.0 * at, pods("stable", stables, -120, at), pods("canary", candidates, 0, at)
        )
        family = take_in(trials, family, {ERRORS: seen}, {})
    return family


def size(thing: object, seen: set[int] | None = None) -> int:
    """Bytes of an object and all that only hangs on it; shared parts are counted once."""
    seen = set() if seen is None else seen
    if id(thing) in seen or thing is None or isinstance(thing, type):
        return 0
    seen.add(id(thing))
    return sys.getsizeof(thing) + sum(size(part, seen) for part in _parts(thing))


def _parts(thing: object) -> Iterator[object]:
    if isinstance(thing, Mapping):
        yield from thing.keys()
        yield from thing.values()
    elif isinstance(thing, tuple | list | frozenset | set):
        yield from thing
    elif is_dataclass(thing):
        yield from (getattr(thing, field.name) for field in fields(thing))


def show() -> int:
    """Print the costs; answers how many of the limits are exceeded."""
    plain = seconds(plain_check, 2_000)
    cases = (
        ("typical: 25 + 475 requests, 2 errors", TYPICAL, 2_000, MOST_TYPICAL),
        ("25,000 errors in a block, half of them the canary's", LARGE, 20, MOST_LARGE),
        ("25,000 errors in a block, 900 of them a small canary's", WORST, 20, MOST_LARGE),
    )
    print("\nCost of one evidence update, and its ratio to a plain threshold check")
    exceeded = 0
    for name, block, repeats, limit in cases:
        took = seconds(update_of(block), repeats)
        exceeded += took > limit
        mark = "!" if took > limit else ""
        print(
            f"  {name:<56} {1e6 * took:>8.0f} us{mark} (limit {1e6 * limit:.0f}) "
            f"{took / plain:>6.0f}x"
        )
    print(f"  {'a plain threshold check':<56} {1e6 * plain:>8.1f} us")
    print("\nMemory of one rollout's gate: 2 canary and 6 stable pods")
    for blocks in (0, 60, 720):
        print(f"  after {blocks:>3} blocks {size(panel_after(blocks)):>8,} bytes")
    return exceeded
