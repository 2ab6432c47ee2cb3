"""A simulation as a picture: false rollbacks; seconds and bad answers until true ones."""

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
    """Draw the answers about all kinds of canaries."""
    healthy = [of_kind for of_kind in answers if of_kind[0].canary == HEALTHY]
    bad = [of_kind for of_kind in answers if of_kind[0].canary != HEALTHY]
    figure = plotting.new_figure(8.5)
    first, second, third = figure.subplots(3, 1)
    _false_rollbacks(first, healthy[0])
    if bad:
        _grouped(second, bad, [[answer.seconds_median for answer in kind] for kind in bad])
        second.set_ylabel("median seconds until rollback")
        second.legend(fontsize="x-small", ncols=5, loc="lower left", bbox_to_anchor=(0.0, 1.0))
        _grouped(third, bad, [[answer.bad_median for answer in kind] for kind in bad])
        third.set_ylabel("median bad answers")
        third.set_xlabel("error rate of the canary (no bar: most canaries were not rolled back)")
    plotting.write(figure, target)


def _false_rollbacks(axes: Axes, answers: Sequence[Answer]) -> None:
    rates = [1000 * answer.rolled_back / answer.runs for answer in answers]
    low = [r - 1000 * answer.rolled_back_low for r, answer in zip(rates, answers, strict=True)]
    high = [1000 * answer.rolled_back_high - r for r, answer in zip(rates, answers, strict=True)]
    names = [answer.gate for answer in answers]
    colors = [f"C{i}" for i in range(len(names))]
    axes.barh(names, rates, xerr=(low, high), color=colors, capsize=3)
    axes.invert_yaxis()
    axes.set_xlabel("healthy canaries rolled back, of 1,000 (95 % confidence interval)")


def _grouped(
    axes: Axes, kinds: Sequence[Sequence[Answer]], values: Sequence[Sequence[float | None]]
) -> None:
    gates = [answer.gate for answer in kinds[0]]
    for i, gate in enumerate(gates):
        places = [kind + (i - (len(gates) - 1) / 2) * BAR for kind in range(len(kinds))]
        heights = [value[i] or 0.0 for value in values]
        axes.bar(places, heights, BAR, label=gate, color=f"C{i}")
    axes.set_yscale("log")
    axes.set_ylim(bottom=1.0)
    axes.set_xticks(range(len(kinds)), [kind[0].canary for kind in kinds])
