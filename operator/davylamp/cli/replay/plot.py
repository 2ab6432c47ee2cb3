"""A replay as a picture: evidence and values above, error rates below, on one time axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from davylamp.cli import plotting
from davylamp.cli.replay.engine import BlockResult, Replay
from davylamp.cli.replay.input import PastAttempt
from davylamp.gates import Count

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(past: PastAttempt, replay: Replay, target: Path) -> None:
    """Draw evidence or values of every gate with bounds and weight changes, and error rates."""
    drawn = [
        gate
        for gate, trial in replay.trials.items()
        if trial.rule.evidence_bounds or trial.rule.user_query
    ]
    counted = any(not trial.rule.user_query for trial in replay.trials.values())
    rows = len(drawn) + counted
    figure = plotting.new_figure(2.8 * rows)
    panels = list(figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0])
    for axes, gate in zip(panels, drawn, strict=False):
        draw = _values if replay.trials[gate].rule.user_query else _evidence
        draw(axes, past, replay, gate)
    if counted:
        _rates(panels[-1], past, replay)
    for axes in panels:
        _weights(axes, past, replay)
    panels[-1].set_xlabel(f"seconds since {past.beginning}")
    figure.suptitle(f"{replay.outcome.decision}: {replay.outcome.judgement.reason}")
    plotting.write(figure, target)


def _evidence(axes: Axes, past: PastAttempt, replay: Replay, gate: str) -> None:
    blocks, bounds = _of(replay, gate), replay.trials[gate].rule.evidence_bounds
    times = [block.at - past.started_at for block in blocks]
    axes.set_title(f"gate {gate}", loc="left", fontsize="medium")
    assert bounds is not None  # noqa: S101  (asked by the caller)
    worse = [block.judgement.log10_rollback for block in blocks]
    acceptable = [block.judgement.log10_promote for block in blocks]
    rollback_at, promote_at = (
        -math.log10(bounds.false_rollback),
        -math.log10(bounds.false_promotion),
    )
    axes.plot(times, worse, color="C3", marker=".", label="for rollback")
    axes.plot(times, acceptable, color="C2", marker=".", label="for promotion")
    axes.axhline(rollback_at, color="C3", linestyle="--", label="rollback bound")
    axes.axhline(promote_at, color="C2", linestyle=":", label="promotion bound")
    axes.set_ylabel("evidence, log10 e-value")
    axes.legend(fontsize="small", loc="best")


def _values(axes: Axes, past: PastAttempt, replay: Replay, gate: str) -> None:
    """Values of a user query for both revisions, and its bounds."""
    query = replay.trials[gate].rule.user_query
    assert query is not None  # noqa: S101  (asked by the caller)
    values = [block.value for block in _of(replay, gate) if block.value]
    for name, color, points in (
        ("canary", "C1", [(value.at, value.candidate) for value in values]),
        ("stable", "C0", [(v.at, v.stable) for v in values if v.stable is not None]),
    ):
        if points:
            times = [at - past.started_at for at, _ in points]
            axes.plot(times, [point for _, point in points], color=color, marker=".", label=name)
    for bound in (query.lowest, query.highest):
        if math.isfinite(bound):
            axes.axhline(bound, color="gray", linestyle="--")
    axes.set_title(f"gate {gate}", loc="left", fontsize="medium")
    axes.set_ylabel("value")
    axes.legend(fontsize="small", loc="best")


def _rates(axes: Axes, past: PastAttempt, replay: Replay) -> None:
    """Error rates of the first gate, block by block, and its bound."""
    trials = replay.trials.items()
    gate, trial = next((g, trial) for g, trial in trials if not trial.rule.user_query)
    blocks = _of(replay, gate)
    times = [block.at - past.started_at for block in blocks]
    for name, color, counts in (
        ("canary", "C1", [block.added.candidate for block in blocks]),
        ("stable", "C0", [block.added.stable for block in blocks]),
    ):
        rates = [_percent(count) for count in counts]
        axes.plot(times, rates, color=color, marker=".", label=name)
    bound = trial.rule.error_bound
    if bound is not None:
        axes.axhline(100 * bound, color="gray", linestyle="--", label="max")
    axes.set_ylabel("errors per block, %")
    axes.legend(fontsize="small", loc="best")


def _weights(axes: Axes, past: PastAttempt, replay: Replay) -> None:
    """Vertical lines where the weight changed, and where the replay decided."""
    end = replay.blocks[-1].at if replay.blocks else past.started_at
    for change in past.measured.weights:
        if change.at <= end:
            axes.axvline(change.at - past.started_at, color="gray", linewidth=0.8)
            axes.annotate(
                f"{change.weight:.0%}",
                (change.at - past.started_at, 1.0),
                xycoords=("data", "axes fraction"),
                fontsize="x-small",
            )
    if replay.outcome.at is not None:
        axes.axvline(replay.outcome.at - past.started_at, color="black", linewidth=1.2)


def _of(replay: Replay, gate: str) -> Sequence[BlockResult]:
    return [block for block in replay.blocks if block.gate == gate]


def _percent(count: Count) -> float:
    return 100 * count.rate
