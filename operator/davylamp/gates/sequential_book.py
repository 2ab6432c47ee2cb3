"""The running account of a sequential trial: open blocks, evidence, and the first crossings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from davylamp.gates import blocks, sequential
from davylamp.gates.blocks import Block
from davylamp.gates.rules import Sequential, Trial
from davylamp.gates.samples import Sample
from davylamp.gates.sequential import PRIOR, Evidence
from davylamp.gates.timeline import PodKey, Reading
from davylamp.gates.verdicts import Count

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
    """One line of evidence and what it has established; crossings stay."""

    evidence: Evidence = PRIOR
    worse: Crossing | None = None
    fine: Crossing | None = None


UNTOLD: Final = Track()


@dataclass(frozen=True, slots=True)
class SequentialBook:
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


def opened(trial: Trial) -> SequentialBook:
    """Begin the account at the start of the trial."""
    begin = Block(began=trial.started_at)
    return SequentialBook(block=begin, block_alone=begin)


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment of the history: its readings, every pod's last sample, the totals so far."""

    at: float
    readings: Iterable[Reading]
    last: Mapping[PodKey, Sample]
    candidate: Count
    stable: Count


def entered(
    trial: Trial, rule: Sequential, book: SequentialBook, instant: Instant
) -> SequentialBook:
    """Enter one instant: fill the open blocks, close those that are complete."""
    return _settle(trial, rule, _fill(trial, book, instant), instant)


def _fill(trial: Trial, book: SequentialBook, instant: Instant) -> SequentialBook:
    def fill(block: Block) -> Block:
        fresh = blocks.shifted(trial, block, instant.at)
        return blocks.filled(trial, fresh, instant.readings, instant.at)

    return replace(book, block=fill(book.block), block_alone=fill(book.block_alone))


def _settle(
    trial: Trial, rule: Sequential, book: SequentialBook, instant: Instant
) -> SequentialBook:
    if blocks.closes(trial, book.block, instant.last, instant.at):
        return _close_joint(rule, book, instant)
    if blocks.closes_alone(trial, book.block_alone, instant.last, instant.at):
        return _close_alone(rule, book, instant)
    return book


def _close_joint(rule: Sequential, book: SequentialBook, instant: Instant) -> SequentialBook:
    block = book.block
    evidence = sequential.fold(
        rule, book.joint.evidence, candidate=block.candidate, stable=block.stable
    )
    track = _noted(rule, replace(book.joint, evidence=evidence), instant, alone=False)
    kept = (each for each in book.recent if each[0] > instant.at - RECENT)
    begin = Block(began=instant.at)
    return SequentialBook(
        block=begin,
        block_alone=begin,
        joint=track,
        alone=track,
        recent=(*kept, (instant.at, block.candidate)),
    )


def _close_alone(rule: Sequential, book: SequentialBook, instant: Instant) -> SequentialBook:
    evidence = sequential.fold_alone(rule, book.alone.evidence, book.block_alone.candidate)
    track = _noted(rule, replace(book.alone, evidence=evidence), instant, alone=True)
    return replace(book, alone=track, block_alone=Block(began=instant.at))


def _noted(rule: Sequential, track: Track, instant: Instant, *, alone: bool) -> Track:
    """Record the first crossing of either bound; only the first one ever counts."""
    at = sequential.levels(rule, track.evidence)
    crossing = Crossing(instant.at, instant.candidate, instant.stable, alone)
    worse = track.worse or (crossing if sequential.says_worse(rule, at) else None)
    fine = track.fine or (crossing if sequential.says_fine(rule, at) else None)
    return replace(track, worse=worse, fine=fine)
