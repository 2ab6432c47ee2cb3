"""A replay as a picture: evidence above, error rates below, by the same time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from davylamp.cli import figures
from davylamp.cli.past import Past
from davylamp.cli.rejudging import Look, Replay
from davylamp.gates import Count
from davylamp.gates.rules import ErrorRate, SequentialRule, Threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(past: Past, replay: Replay, target: Path) -> None:
    """Draw every gate's evidence with its bounds, weight changes, and both error rates."""
    bounded = [g for g, trial in replay.trials.items() if isinstance(trial.rule, SequentialRule)]
    figure = figures.new_figure(2.8 * (len(bounded) + 1))
    every = list(figure.subplots(len(bounded) + 1, 1, sharex=True, squeeze=False)[:, 0])
    for axes, gate in zip(every, bounded, strict=False):
        _evidence(axes, past, replay, gate)
    _rates(every[-1], past, replay)
    for axes in every:
        _weights(axes, past, replay)
    every[-1].set_xlabel("seconds since the canary's first traffic")
    figure.suptitle(f"{replay.ruling.decision}: {replay.ruling.answer.reason}")
    figures.write(figure, target)


def _evidence(axes: Axes, past: Past, replay: Replay, gate: str) -> None:
    looks, rule = _of(replay, gate), replay.trials[gate].rule
    times = [look.at - past.started_at for look in looks]
    axes.set_title(f"gate {gate}", loc="left", fontsize="medium")
    assert isinstance(rule, SequentialRule)  # noqa: S101  (asked by the caller)
    worse = [look.answer.log10_rollback for look in looks]
    fine = [look.answer.log10_promote for look in looks]
    axes.plot(times, worse, color="C3", marker=".", label="for a rollback")
    axes.plot(times, fine, color="C2", marker=".", label="for promotion")
    axes.axhline(-math.log10(rule.false_rollback), color="C3", linestyle="--", label="rolls back")
    axes.axhline(-math.log10(rule.false_promotion), color="C2", linestyle=":", label="promotes")
    axes.set_ylabel("evidence, log10 e")
    axes.legend(fontsize="small", loc="best")


def _rates(axes: Axes, past: Past, replay: Replay) -> None:
    """Error rates block by block of the first gate, and the bound."""
    gate, trial = next(iter(replay.trials.items()))
    looks = _of(replay, gate)
    times = [look.at - past.started_at for look in looks]
    for name, color, counts in (
        ("canary", "C1", [look.since.candidate for look in looks]),
        ("stable", "C0", [look.since.stable for look in looks]),
    ):
        axes.plot(times, [_percent(each) for each in counts], color=color, marker=".", label=name)
    if isinstance(trial.rule, ErrorRate | Threshold):
        axes.axhline(100 * trial.rule.max_rate, color="gray", linestyle="--", label="max")
    axes.set_ylabel("errors per block, %")
    axes.legend(fontsize="small", loc="best")


def _weights(axes: Axes, past: Past, replay: Replay) -> None:
    end = replay.looks[-1].at if replay.looks else past.started_at
    for change in past.weights:
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
