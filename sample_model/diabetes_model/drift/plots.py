"""Plots as inline SVG whose text and axes take the colour of the page: readable in light and dark."""

import io
import os
import tempfile
from typing import Any

import numpy as np

# Its font cache must be written somewhere, and the root file system is read-only.
os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diabetes_model.drift import evidence
from diabetes_model.drift.verdict import Comparison
from diabetes_model.shares import Vector

# Blue and orange of the Okabe-Ito palette, told apart by the colour-blind and on both backgrounds.
BASELINE, RECENT = "#0072b2", "#e69f00"
PAGE = "#010203"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "text.color": PAGE,
    "axes.edgecolor": PAGE,
    "axes.labelcolor": PAGE,
    "xtick.color": PAGE,
    "ytick.color": PAGE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
}


def shares(found: Comparison) -> str:
    """Mean share by feature, in training and now."""
    with mpl.rc_context(STYLE | {"svg.hashsalt": "shares"}):
        figure, axes = _canvas("share of an explanation, %")
        positions = np.arange(len(found.features))
        for shift, colour, label, values in (
            (-0.2, BASELINE, "baseline", [share.baseline for share in found.features]),
            (0.2, RECENT, "recent", [share.recent for share in found.features]),
        ):
            axes.bar(positions + shift, np.array(values) * 100, 0.4, color=colour, label=label)
        axes.set_xticks(positions, [share.feature for share in found.features])
        axes.legend()
        return _svg(figure)


def scores(trained: Vector, recent: Vector) -> str:
    """Distribution of the predictions, in training and now."""
    with mpl.rc_context(STYLE | {"svg.hashsalt": "scores"}):
        figure, axes = _canvas("share of rows, %")
        edges = np.histogram_bin_edges(np.concatenate([trained, recent]), bins=30).tolist()
        for values, colour, label in ((trained, BASELINE, "snapshot"), (recent, RECENT, "recent")):
            weights = np.full(len(values), 100 / len(values))
            axes.hist(values, edges, weights=weights, color=colour, alpha=0.6, label=label)
        axes.set_xlabel("prediction")
        axes.legend()
        return _svg(figure)


def weighing(found: Comparison) -> str:
    """How the evidence came about, row by row."""
    with mpl.rc_context(STYLE | {"svg.hashsalt": "weighing"}):
        figure, axes = _canvas("evidence of drift, log10")
        path = np.array(found.evidence.path) / np.log(10)
        rows = np.minimum(np.arange(1, len(path) + 1) * evidence.BLOCK, found.evidence.rows)
        axes.plot(rows, path, color=RECENT, label="evidence")
        axes.axhline(np.log10(evidence.DRIFT), color=BASELINE, linestyle="--", label="drift")
        axes.set_xlabel("recent rows, in order of arrival")
        axes.legend()
        return _svg(figure)


def _canvas(label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylabel(label)
    return figure, axes


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    drawing = buffer.getvalue()
    return drawing[drawing.index("<svg") :].replace(PAGE, "currentColor")
