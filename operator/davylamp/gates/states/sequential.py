"""The running account of a sequential trial: open blocks, evidence, and the first crossings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Protocol

from davylamp.gates.counts import NOTHING, Count, Pair
from davylamp.gates.evidence.bounds import StatisticalBounds
from davylamp.gates.evidence.e_process import (
    PRIOR,
    EvidenceCap,
    EvidenceLines,
    LogEValues,
    LogLikelihoodRatios,
    advance,
    levels,
    says_worse,
)
from davylamp.gates.evidence.error_rate import Lately
from davylamp.gates.evidence.overdispersion import DesignEffect, Survey
from davylamp.gates.states import blocks
from davylamp.gates.states.blocks import Block
from davylamp.gates.states.gate_state import Closing, Instant
from davylamp.gates.trial import Trial


class SequentialTest(StatisticalBounds, Protocol):
    """What is asked of the rule: what a block says, and when enough was seen."""

    @property
    def agreeing_blocks(self) -> int:
        """How many blocks must agree before a rollback, at least."""

    def ratios(self, past: Pair, block: Pair, bets: Lately | None) -> LogLikelihoodRatios:
        """What a block says in which both revisions served; `past` are all blocks before it.

        With `bets` whole blocks are bet on, by these averages.
        """

    def ratios_alone(self, past: Count, block: Count, bets: Lately | None) -> LogLikelihoodRatios:
        """What a block of canary traffic says where stable has no pods."""

    def accepts(self, levels: LogEValues, past: Pair) -> bool:
        """Whether so much is known that the canary may be promoted."""

    def design_effect(self, survey: Survey) -> DesignEffect:
        """By how much what comes together counts less, after what stable did before the trial."""

    def calm(self, survey: Survey) -> float:
        """The error rate up to which stable does as it did before the trial."""


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

    evidence: EvidenceLines = PRIOR
    past: Pair = Pair()  # noqa: RUF009 - frozen
    lately: Lately = Lately()  # noqa: RUF009 - frozen
    worse: Crossing | None = None
    acceptable: Crossing | None = None


_UNDECIDED: Final = Track()


@dataclass(frozen=True, slots=True)
class SequentialState:
    """What a sequential trial remembers.

    `joint` holds the blocks in which both revisions served. `alone` goes on from there with the
    canary's own blocks since, for the case that stable has no pods left; it falls back to `joint`
    as soon as stable has been seen again.
    """

    block: Block
    block_alone: Block
    joint: Track = _UNDECIDED
    alone: Track = _UNDECIDED
    recent: tuple[tuple[float, Count], ...] = ()

    def recent_canary(self, now: float) -> Count:
        """Canary traffic of the last minute, including the open block."""
        counts = (count for at, count in self.recent if at > now - RECENT)
        return sum(counts, self.block.candidate)


def opened(trial: Trial) -> SequentialState:
    """Begin the account at the start of the trial."""
    begin = Block(began=trial.started_at)
    return SequentialState(block=begin, block_alone=begin)


def entered(
    trial: Trial, rule: SequentialTest, account: SequentialState, instant: Instant
) -> tuple[SequentialState, Closing | None]:
    """Enter one instant: fill the open blocks, close those that are complete."""
    return _settle(trial, rule, _fill(trial, account, instant), instant)


def _fill(trial: Trial, account: SequentialState, instant: Instant) -> SequentialState:
    def fill(block: Block) -> Block:
        fresh = blocks.shifted(trial, block, instant.at)
        return blocks.filled(trial, fresh, instant.increments, instant.at)

    return replace(account, block=fill(account.block), block_alone=fill(account.block_alone))


def _settle(
    trial: Trial, rule: SequentialTest, account: SequentialState, instant: Instant
) -> tuple[SequentialState, Closing | None]:
    if blocks.closes(trial, account.block, instant.moment):
        return _close_joint(trial, rule, account, instant)
    if blocks.closes_alone(trial, account.block_alone, instant.moment):
        return _close_alone(rule, account, instant), None
    return account, None


def _close_joint(
    trial: Trial, rule: SequentialTest, account: SequentialState, instant: Instant
) -> tuple[SequentialState, Closing]:
    block = Pair(account.block.candidate, account.block.stable)
    before = account.joint
    effect = rule.design_effect(instant.survey)
    ratios = rule.ratios(before.past, block, _bets(before, effect))
    needed = blocks.agreeing(
        trial,
        account.block,
        instant.moment,
        least=rule.agreeing_blocks,
        calm=rule.calm(instant.survey),
    )
    evidence = advance(rule, before.evidence, ratios, _cap(effect, needed))
    track = _longer(before, evidence, block)
    track = _noted(rule, track, instant, alone=False)
    kept = ((at, count) for at, count in account.recent if at > instant.at - RECENT)
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


def _close_alone(
    rule: SequentialTest, account: SequentialState, instant: Instant
) -> SequentialState:
    block, before = account.block_alone.candidate, account.alone
    effect = rule.design_effect(instant.survey)
    ratios = rule.ratios_alone(before.past.candidate, block, _bets(before, effect))
    evidence = _advanced_alone(rule, before.evidence, ratios, effect)
    track = _longer(before, evidence, Pair(block, NOTHING))
    track = _noted(rule, track, instant, alone=True)
    return replace(account, alone=track, block_alone=Block(began=instant.at))


def _advanced_alone(
    rule: SequentialTest, evidence: EvidenceLines, ratios: LogLikelihoodRatios, effect: DesignEffect
) -> EvidenceLines:
    """The evidence after a block of the canary alone; as it was where that says nothing."""
    if not ratios.worse and not ratios.better:
        return evidence
    return advance(rule, evidence, ratios, _cap(effect, rule.agreeing_blocks))


def _bets(track: Track, effect: DesignEffect) -> Lately | None:
    """What the next block is bet on by, where whole blocks are bet on."""
    return track.lately if effect.betting else None


def _longer(track: Track, evidence: EvidenceLines, block: Pair) -> Track:
    """The track with one more block."""
    lately = track.lately.after(block)
    return replace(track, evidence=evidence, past=track.past + block, lately=lately)


def _cap(effect: DesignEffect, agreeing: int) -> EvidenceCap:
    return EvidenceCap(effect.burst, effect.burst_better, agreeing)


def _noted(rule: SequentialTest, track: Track, instant: Instant, *, alone: bool) -> Track:
    """Record the first crossing of either bound; only the first one ever counts."""
    at = levels(rule, track.evidence)
    crossing = Crossing(instant.at, instant.candidate, instant.stable, alone)
    worse = track.worse or (crossing if says_worse(rule, at) else None)
    accepted = track.acceptable or (crossing if rule.accepts(at, track.past) else None)
    return replace(track, worse=worse, acceptable=accepted)
