"""A replay as a picture: evidence above, error rates below, by the same time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from davylamp.cli import plotting
from davylamp.cli.replay.engine import Look, Replay
from davylamp.cli.replay.input import Past
from davylamp.gates import Count

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(past: Past, replay: Replay, target: Path) -> None:
    """Draw every gate's evidence or values with its bounds, weight changes, and error rates."""
    drawn = [
        gate
        for gate, trial in replay.trials.items()
        if trial.rule.evidence_bounds or trial.rule.user_query
    ]
    counted = any(not trial.rule.user_query for trial in replay.trials.values())
    rows = len(drawn) + counted
    figure = plotting.new_figure(2.8 * rows)
    every = list(figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0])
    for axes, gate in zip(every, drawn, strict=False):
        draw = _values if replay.trials[gate].rule.user_query else _evidence
        draw(axes, past, replay, gate)
    if counted:
        _rates(every[-1], past, replay)
    for axes in every:
        _weights(axes, past, replay)
    every[-1].set_xlabel(f"seconds since {past.beginning}")
    figure.suptitle(f"{replay.ruling.decision}: {replay.ruling.answer.reason}")
    plotting.write(figure, target)


def _evidence(axes: Axes, past: Past, replay: Replay, gate: str) -> None:
    looks, bounds = _of(replay, gate), replay.trials[gate].rule.evidence_bounds
    times = [look.at - past.started_at for look in looks]
    axes.set_title(f"gate {gate}", loc="left", fontsize="medium")
    assert bounds is not None  # noqa: S101  (asked by the caller)
    worse = [look.answer.log10_rollback for look in looks]
    fine = [look.answer.log10_promote for look in looks]
    axes.plot(times, worse, color="C3", marker=".", label="for a rollback")
    axes.plot(times, fine, color="C2", marker=".", label="for promotion")
    axes.axhline(-math.log10(bounds.false_rollback), color="C3", linestyle="--", label="rolls back")
    axes.axhline(-math.log10(bounds.false_promotion), color="C2", linestyle=":", label="promotes")
    axes.set_ylabel("evidence, log10 e")
    axes.legend(fontsize="small", loc="best")


def _values(axes: Axes, past: Past, replay: Replay, gate: str) -> None:
    """What an own query gave of both revisions, and its bounds."""
    query = replay.trials[gate].rule.user_query
    assert query is not None  # noqa: S101  (asked by the caller)
    found = [look.value for look in _of(replay, gate) if look.value]
    for name, color, values in (
        ("canary", "C1", [(each.at, each.candidate) for each in found]),
        ("stable", "C0", [(e.at, e.stable) for e in found if e.stable is not None]),
    ):
        if values:
            times = [at - past.started_at for at, _ in values]
            axes.plot(times, [value for _, value in values], color=color, marker=".", label=name)
    for bound in (query.lowest, query.highest):
        if math.isfinite(bound):
            axes.axhline(bound, color="gray", linestyle="--")
    axes.set_title(f"gate {gate}", loc="left", fontsize="medium")
    axes.set_ylabel("value")
    axes.legend(fontsize="small", loc="best")


def _rates(axes: Axes, past: Past, replay: Replay) -> None:
    """Error rates block by block of the first gate, and the bound."""
    found = replay.trials.items()
    gate, trial = next(each for each in found if not each[1].rule.user_query)
    looks = _of(replay, gate)
    times = [look.at - past.started_at for look in looks]
    for name, color, counts in (
        ("canary", "C1", [look.since.candidate for look in looks]),
        ("stable", "C0", [look.since.stable for look in looks]),
    ):
        axes.plot(times, [_percent(each) for each in counts], color=color, marker=".", label=name)
    bound = trial.rule.error_bound
    if bound is not None:
        axes.axhline(100 * bound, color="gray", linestyle="--", label="max")
    axes.set_ylabel("errors per block, %")
    axes.legend(fontsize="small", loc="best")


def _weights(axes: Axes, past: Past, replay: Replay) -> None:
    end = replay.looks[-1].at if replay.looks else past.started_at
    for change in past.seen.weights:
        if change.at <= end:
            axes.axvline(change.at - past.started_at, color="gray", linewidth=0.8)
            axes.annotate(
                f"{change.weight:.0%}",
                (change.at - past.started_at, 1.0),
                xycoords=("data", "axes fraction"),
                fontsize="x-small",
            )
    if replay.ruling.at is not None:
        axes.axvline(replay.ruling.at - past.started_at, color="black", linewidth=1.2)


def _of(replay: Replay, gate: str) -> Sequence[Look]:
    return [look for look in replay.looks if look.gate == gate]


def _percent(count: Count) -> float:
    return 100 * count.rate
