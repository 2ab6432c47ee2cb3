"""A replay in words and in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from davylamp.cli.replay.curve import Curve, drawn
from davylamp.cli.replay.engine import PROMOTE, ROLLBACK, Look, Replay, Ruling
from davylamp.cli.replay.input import Past
from davylamp.gates import Count, Judgement, Trial
from davylamp.gates.messages.numbers import short
from davylamp.schema.json import Json
from davylamp.schema.quantities import spoken

MOST_ROWS: Final = 40
"""Blocks in a table for people; of more, only every so-manieth is shown."""
_HEAD: Final = ("time", "share", "canary errors", "stable errors", "evidence")
_HEAD_OF_VALUES: Final = ("time", "share", "canary", "stable", "so far")


def as_json(replay: Replay) -> Iterator[str]:
    """One object a closed block, and one for the decision."""
    for look in replay.looks:
        yield json.dumps(_look(replay, look))
    yield json.dumps(_ruling(replay, replay.ruling))


def as_text(past: Past, replay: Replay) -> Iterator[str]:
    """A table of the blocks, the evidence drawn, and the decision in a sentence."""
    for gate, trial in replay.trials.items():
        looks = [look for look in replay.looks if look.gate == gate]
        yield f"gate {gate}: {len(looks)} {_kind_of_looks(trial)}"
        yield from _table(past, trial, looks)
        if _is_bounded(trial) and looks:
            yield ""
            yield from drawn(_curve(past, trial, looks))
        yield ""
    yield _sentence(past, replay.ruling)


def _look(replay: Replay, look: Look) -> dict[str, Json]:
    since, trial, value = look.since, replay.trials[look.gate], look.value
    return {
        "at": look.at,
        "gate": look.gate,
        "weight": round(look.weight, 6),
        **_totals(look.answer),
        **_evidence(trial, look.answer),
        "verdict": look.answer.verdict.value,
        "reason": look.answer.reason,
        "block": {"number": look.answer.blocks, **_counts(since.candidate, since.stable)},
        **({"value": value.candidate, "stableValue": value.stable} if value else {}),
    }


def _ruling(replay: Replay, ruling: Ruling) -> dict[str, Json]:
    return {
        "decision": ruling.decision,
        "at": ruling.at,
        "gate": ruling.gate,
        **_totals(ruling.answer),
        **_evidence(replay.trials[ruling.gate], ruling.answer),
        "reason": ruling.answer.reason,
        "message": ruling.answer.message,
    }


def _totals(answer: Judgement) -> dict[str, Json]:
    return _counts(answer.candidate, answer.stable)


def _counts(candidate: Count, stable: Count) -> dict[str, Json]:
    return {
        "canaryRequests": candidate.requests,
        "canaryErrors": candidate.errors,
        "stableRequests": stable.requests,
        "stableErrors": stable.errors,
    }


def _evidence(trial: Trial, answer: Judgement) -> dict[str, Json]:
    """Natural logarithms of both e-values; the classic rule has none."""
    if not _is_bounded(trial):
        return {"logE": None, "logEPromote": None}
    return {
        "logE": answer.log10_rollback * math.log(10),
        "logEPromote": answer.log10_promote * math.log(10),
    }


def _is_bounded(trial: Trial) -> bool:
    return trial.rule.evidence_bounds is not None


def _kind_of_looks(trial: Trial) -> str:
    if trial.rule.user_query:
        return "values"
    return "blocks" if _is_bounded(trial) else "windows"


def _table(past: Past, trial: Trial, looks: Sequence[Look]) -> Iterator[str]:
    every = -(-len(looks) // MOST_ROWS) or 1
    shown = [look for i, look in enumerate(looks, 1) if i % every == 0 or i == len(looks)]
    head = _HEAD_OF_VALUES if trial.rule.user_query else _HEAD
    rows = [head, *(_row(past, trial, look) for look in shown)]
    yield from aligned(rows)
    if every > 1:
        yield f"  (one block of {every} is shown; --json gives all)"


def _row(past: Past, trial: Trial, look: Look) -> tuple[str, ...]:
    said = look.answer.strength if _is_bounded(trial) else look.answer.message
    return (
        f"+{look.at - past.started_at:.6g} s",
        f"{look.weight:.0%}",
        *_compared(look),
        said,
    )


def _compared(look: Look) -> tuple[str, str]:
    """Canary and stable: errors, or values of an own query."""
    if look.value is None:
        return short(look.answer.candidate), short(look.answer.stable)
    stable = look.value.stable
    return f"{look.value.candidate:.6g}", "" if stable is None else f"{stable:.6g}"


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows in columns: all but the last right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        *cells, last = row
        padded = (cell.rjust(width) for cell, width in zip(cells, widths, strict=False))
        yield "  ".join(("", *padded, last)).rstrip()


def _curve(past: Past, trial: Trial, looks: Iterable[Look]) -> Curve:
    bounds = trial.rule.evidence_bounds
    assert bounds is not None  # noqa: S101  (asked by the caller)
    points = [(look.at - past.started_at, look.answer.log10_rollback) for look in looks]
    return Curve(tuple(points), -math.log10(bounds.false_rollback))


def _sentence(past: Past, ruling: Ruling) -> str:
    answer = ruling.answer
    if ruling.at is None:
        lasted = spoken(past.ended_at - past.started_at)
        return f"undecided after {lasted}: gate {ruling.gate}: {answer.reason}: {answer.message}"
    after = spoken(ruling.at - past.started_at)
    done = {ROLLBACK: "rolled back", PROMOTE: "promoted"}[ruling.decision]
    counted = (
        f", after {short(answer.candidate)} canary errors" if answer.candidate.requests else ""
    )
    return (
        f"{ruling.decision} at {ruling.at:.15g}: {done} {after} after {past.beginning}{counted}: "
        f"gate {ruling.gate}: {answer.reason}: {answer.message}"
    )
