"""A prognosis as a picture: wrong rollbacks, and seconds and bad answers until bad canaries go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from davylamp.cli import plotting
from davylamp.simulation.forecast import HEALTHY, Answer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR = 0.16


def plot(answers: Sequence[Sequence[Answer]], target: Path) -> None:
    """Draw the answers of all kinds of canaries."""
    healthy = [each for each in answers if each[0].canary == HEALTHY]
    bad = [each for each in answers if each[0].canary != HEALTHY]
    figure = plotting.new_figure(8.5)
    first, second, third = figure.subplots(3, 1)
    _wrong(first, healthy[0])
    if bad:
        _grouped(second, bad, [[each.seconds_median for each in kind] for kind in bad])
        second.set_ylabel("median seconds until found")
        second.legend(fontsize="x-small", ncols=5, loc="lower left", bbox_to_anchor=(0.0, 1.0))
        _grouped(third, bad, [[each.bad_median for each in kind] for kind in bad])
        third.set_ylabel("median bad answers")
        third.set_xlabel("canary's errors (no bar: not found in most canaries)")
    plotting.write(figure, target)


def _wrong(axes: Axes, answers: Sequence[Answer]) -> None:
    rates = [1000 * each.rolled_back / each.runs for each in answers]
    low = [r - 1000 * each.rolled_back_low for r, each in zip(rates, answers, strict=True)]
    high = [1000 * each.rolled_back_high - r for r, each in zip(rates, answers, strict=True)]
    names = [each.gate for each in answers]
    colors = [f"C{i}" for i in range(len(names))]
    axes.barh(names, rates, xerr=(low, high), color=colors, capsize=3)
    axes.invert_yaxis()
    axes.set_xlabel("healthy releases rolled back, of 1,000 (95 % interval)")


def _grouped(
    axes: Axes, kinds: Sequence[Sequence[Answer]], values: Sequence[Sequence[float | None]]
) -> None:
    gates = [each.gate for each in kinds[0]]
    for i, gate in enumerate(gates):
        places = [kind + (i - (len(gates) - 1) / 2) * BAR for kind in range(len(kinds))]
        heights = [value[i] or 0.0 for value in values]
        axes.bar(places, heights, BAR, label=gate, color=f"C{i}")
    axes.set_yscale("log")
    axes.set_ylim(bottom=1.0)
    axes.set_xticks(range(len(kinds)), [kind[0].canary for kind in kinds])
