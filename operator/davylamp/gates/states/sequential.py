"""The running account of a sequential trial: open blocks, evidence, and the first crossings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from davylamp.gates import blocks
from davylamp.gates.blocks import Block, Moment
from davylamp.gates.evidence import by_rule
from davylamp.gates.evidence.e_process import (
    PRIOR,
    Evidence,
    EvidenceCap,
    LogEValues,
    LogLikelihoodRatios,
    advance,
    levels,
    says_worse,
)
from davylamp.gates.evidence.error_rate import Lately
from davylamp.gates.evidence.overdispersion import DesignEffect
from davylamp.gates.rules import Statistical
from davylamp.gates.samples import Sample
from davylamp.gates.timeline import PodKey, Reading
from davylamp.gates.trial import Trial
from davylamp.gates.verdicts import NOTHING, Count, Pair

RECENT: Final = 60.0
"""Seconds of canary traffic that are looked at before a promotion."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The first moment at which an e-value reached its bound, and the counts until then.

    `alone` if the block that did it had no stable traffic to compare with.
    """

    at: float
    candidate: Count
    stable: Count
    alone: bool


@dataclass(frozen=True, slots=True)
class Track:
    """One line of evidence, the blocks it comes from, and what it established; crossings stay."""

    evidence: Evidence = PRIOR
    past: Pair = Pair()  # noqa: RUF009 - frozen
    lately: Lately = Lately()  # noqa: RUF009 - frozen
    worse: Crossing | None = None
    fine: Crossing | None = None


UNTOLD: Final = Track()


@dataclass(frozen=True, slots=True)
class SequentialState:
    """What a sequential trial remembers.

    `joint` holds the blocks in which both revisions served. `alone` goes on from there with the
    canary's own blocks since, for the case that stable has no pods left; it falls back to `joint`
    as soon as stable has been seen again.
    """

    block: Block
    block_alone: Block
    joint: Track = UNTOLD
    alone: Track = UNTOLD
    recent: tuple[tuple[float, Count], ...] = ()

    def recent_canary(self, now: float) -> Count:
        """Canary traffic of the last minute, including the open block."""
        counts = (count for at, count in self.recent if at > now - RECENT)
        return sum(counts, self.block.candidate)


def opened(trial: Trial) -> SequentialState:
    """Begin the account at the start of the trial."""
    begin = Block(began=trial.started_at)
    return SequentialState(block=begin, block_alone=begin)


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment of the history: its readings, every pod's last sample, the totals so far."""

    at: float
    readings: Iterable[Reading]
    last: Mapping[PodKey, Sample]
    candidate: Count
    stable: Count
    design_effect: DesignEffect = DesignEffect()  # noqa: RUF009 - frozen
    calm: float = 1.0
    """Error rate of stable above which it is taken to be in trouble itself."""

    @property
    def moment(self) -> Moment:
        """When it is, and when each pod was last seen."""
        return Moment(self.at, self.last)


@dataclass(frozen=True, slots=True)
class Closing:
    """A closed block in which both revisions served, and the evidence after it."""

    at: float
    block: Pair
    total: Pair
    levels: LogEValues


def entered(
    trial: Trial, rule: Statistical, book: SequentialState, instant: Instant
) -> tuple[SequentialState, Closing | None]:
    """Enter one instant: fill the open blocks, close those that are complete."""
    return _settle(trial, rule, _fill(trial, book, instant), instant)


def _fill(trial: Trial, book: SequentialState, instant: Instant) -> SequentialState:
    def fill(block: Block) -> Block:
        fresh = blocks.shifted(trial, block, instant.at)
        return blocks.filled(trial, fresh, instant.readings, instant.at)

    return replace(book, block=fill(book.block), block_alone=fill(book.block_alone))


def _settle(
    trial: Trial, rule: Statistical, book: SequentialState, instant: Instant
) -> tuple[SequentialState, Closing | None]:
    if blocks.closes(trial, book.block, instant.moment):
        return _close_joint(trial, rule, book, instant)
    if blocks.closes_alone(trial, book.block_alone, instant.moment):
        return _close_alone(rule, book, instant), None
    return book, None


def _close_joint(
    trial: Trial, rule: Statistical, book: SequentialState, instant: Instant
) -> tuple[SequentialState, Closing]:
    block = Pair(book.block.candidate, book.block.stable)
    before = book.joint
    found = by_rule.gains(rule, before.past, block, _bet_by(before, instant))
    needed = blocks.agreeing(trial, rule, book.block, instant.moment, calm=instant.calm)
    evidence = advance(rule, before.evidence, found, _pace(instant.design_effect, needed))
    track = _longer(before, evidence, block)
    track = _noted(rule, track, instant, alone=False)
    kept = (each for each in book.recent if each[0] > instant.at - RECENT)
    begin = Block(began=instant.at)
    closed = SequentialState(
        block=begin,
        block_alone=begin,
        joint=track,
        alone=track,
        recent=(*kept, (instant.at, block.candidate)),
    )
    total = Pair(instant.candidate, instant.stable)
    return closed, Closing(instant.at, block, total, levels(rule, evidence))


def _close_alone(rule: Statistical, book: SequentialState, instant: Instant) -> SequentialState:
    block, before = book.block_alone.candidate, book.alone
    found = by_rule.gains_alone(rule, before.past.candidate, block, _bet_by(before, instant))
    evidence = _advanced_alone(rule, before.evidence, found, instant.design_effect)
    track = _longer(before, evidence, Pair(block, NOTHING))
    track = _noted(rule, track, instant, alone=True)
    return replace(book, alone=track, block_alone=Block(began=instant.at))


def _advanced_alone(
    rule: Statistical, evidence: Evidence, found: LogLikelihoodRatios, design_effect: DesignEffect
) -> Evidence:
    """The evidence after a block of the canary alone; as it was where that says nothing."""
    if not found.worse and not found.better:
        return evidence
    return advance(rule, evidence, found, _pace(design_effect, rule.agreeing_blocks))


def _bet_by(track: Track, instant: Instant) -> Lately | None:
    """What the next block is bet on by, where whole blocks are bet on."""
    return track.lately if instant.design_effect.betting else None


def _longer(track: Track, evidence: Evidence, block: Pair) -> Track:
    """The track with one more block."""
    lately = track.lately.after(block)
    return replace(track, evidence=evidence, past=track.past + block, lately=lately)


def _pace(design_effect: DesignEffect, agreeing: int) -> EvidenceCap:
    return EvidenceCap(design_effect.burst, design_effect.burst_better, agreeing)


def _noted(rule: Statistical, track: Track, instant: Instant, *, alone: bool) -> Track:
    """Record the first crossing of either bound; only the first one ever counts."""
    at = levels(rule, track.evidence)
    crossing = Crossing(instant.at, instant.candidate, instant.stable, alone)
    worse = track.worse or (crossing if says_worse(rule, at) else None)
    fine = track.fine or (crossing if by_rule.fine(rule, at, track.past) else None)
    return replace(track, worse=worse, fine=fine)
