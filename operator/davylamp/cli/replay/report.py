"""A replay as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from davylamp.cli.replay.curve import EvidenceCurve, drawn
from davylamp.cli.replay.engine import PROMOTE, ROLLBACK, BlockResult, Replay, ReplayOutcome
from davylamp.cli.replay.input import PastAttempt
from davylamp.cli.tables import aligned
from davylamp.gates import Count, Judgement, Trial
from davylamp.gates.messages.numbers import short
from davylamp.schema.json import Json
from davylamp.schema.quantities import spoken

MOST_ROWS: Final = 40
"""Rows of a table; if there are more blocks, only every n-th is shown."""
_HEAD: Final = ("time", "share", "canary errors", "stable errors", "evidence")
_HEAD_OF_VALUES: Final = ("time", "share", "canary", "stable", "so far")


def as_json(replay: Replay) -> Iterator[str]:
    """One object for every closed block, and one for the decision."""
    for block in replay.blocks:
        yield json.dumps(_block(replay, block))
    yield json.dumps(_outcome(replay, replay.outcome))


def as_text(past: PastAttempt, replay: Replay) -> Iterator[str]:
    """For every gate a table of its blocks and a chart of the evidence; then the decision."""
    for gate, trial in replay.trials.items():
        blocks = [block for block in replay.blocks if block.gate == gate]
        yield f"gate {gate}: {len(blocks)} {_kind_of_blocks(trial)}"
        yield from _table(past, trial, blocks)
        if _is_bounded(trial) and blocks:
            yield ""
            yield from drawn(_curve(past, trial, blocks))
        yield ""
    yield _sentence(past, replay.outcome)


def _block(replay: Replay, block: BlockResult) -> dict[str, Json]:
    added, trial, value = block.added, replay.trials[block.gate], block.value
    return {
        "at": block.at,
        "gate": block.gate,
        "weight": round(block.weight, 6),
        **_totals(block.judgement),
        **_evidence(trial, block.judgement),
        "verdict": block.judgement.verdict.value,
        "reason": block.judgement.reason,
        "block": {"number": block.judgement.blocks, **_counts(added.candidate, added.stable)},
        **({"value": value.candidate, "stableValue": value.stable} if value else {}),
    }


def _outcome(replay: Replay, outcome: ReplayOutcome) -> dict[str, Json]:
    return {
        "decision": outcome.decision,
        "at": outcome.at,
        "gate": outcome.gate,
        **_totals(outcome.judgement),
        **_evidence(replay.trials[outcome.gate], outcome.judgement),
        "reason": outcome.judgement.reason,
        "message": outcome.judgement.message,
    }


def _totals(judgement: Judgement) -> dict[str, Json]:
    return _counts(judgement.candidate, judgement.stable)


def _counts(candidate: Count, stable: Count) -> dict[str, Json]:
    return {
        "canaryRequests": candidate.requests,
        "canaryErrors": candidate.errors,
        "stableRequests": stable.requests,
        "stableErrors": stable.errors,
    }


def _evidence(trial: Trial, judgement: Judgement) -> dict[str, Json]:
    """Natural logarithms of both e-values; null for rules that count failures."""
    if not _is_bounded(trial):
        return {"logE": None, "logEPromote": None}
    return {
        "logE": judgement.log10_rollback * math.log(10),
        "logEPromote": judgement.log10_promote * math.log(10),
    }


def _is_bounded(trial: Trial) -> bool:
    return trial.rule.evidence_bounds is not None


def _kind_of_blocks(trial: Trial) -> str:
    if trial.rule.user_query:
        return "values"
    return "blocks" if _is_bounded(trial) else "windows"


def _table(past: PastAttempt, trial: Trial, blocks: Sequence[BlockResult]) -> Iterator[str]:
    step = -(-len(blocks) // MOST_ROWS) or 1
    shown = [block for i, block in enumerate(blocks, 1) if i % step == 0 or i == len(blocks)]
    head = _HEAD_OF_VALUES if trial.rule.user_query else _HEAD
    rows = [head, *(_row(past, trial, block) for block in shown)]
    yield from aligned(rows)
    if step > 1:
        yield f"  (one block in {step} is shown; --json prints all)"


def _row(past: PastAttempt, trial: Trial, block: BlockResult) -> tuple[str, ...]:
    remark = block.judgement.strength if _is_bounded(trial) else block.judgement.message
    return (
        f"+{block.at - past.started_at:.6g} s",
        f"{block.weight:.0%}",
        *_compared(block),
        remark,
    )


def _compared(block: BlockResult) -> tuple[str, str]:
    """Canary and stable: errors, or values of a user query."""
    if block.value is None:
        return short(block.judgement.candidate), short(block.judgement.stable)
    stable = block.value.stable
    return f"{block.value.candidate:.6g}", "" if stable is None else f"{stable:.6g}"


def _curve(past: PastAttempt, trial: Trial, blocks: Iterable[BlockResult]) -> EvidenceCurve:
    bounds = trial.rule.evidence_bounds
    assert bounds is not None  # noqa: S101  (asked by the caller)
    points = [(block.at - past.started_at, block.judgement.log10_rollback) for block in blocks]
    return EvidenceCurve(tuple(points), -math.log10(bounds.false_rollback))


def _sentence(past: PastAttempt, outcome: ReplayOutcome) -> str:
    judgement = outcome.judgement
    because = f"gate {outcome.gate}: {judgement.reason}: {judgement.message}"
    if outcome.at is None:
        return f"undecided after {spoken(past.ended_at - past.started_at)}: {because}"
    after = spoken(outcome.at - past.started_at)
    done = {ROLLBACK: "rolled back", PROMOTE: "promoted"}[outcome.decision]
    errors = short(judgement.candidate)
    counted = f", with {errors} canary errors" if judgement.candidate.requests else ""
    return (
        f"{outcome.decision} at {outcome.at:.15g}: {done} {after} after {past.beginning}{counted}: "
        f"{because}"
    )
