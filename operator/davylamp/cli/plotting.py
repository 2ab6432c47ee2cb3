"""Drawing with matplotlib, which comes with the extra `plots`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from davylamp.cli.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS: Final = (".svg", ".png")


def checked_target(path: str) -> Path:
    """The file that a plot is written to.

    Raises:
        UsageError: it is neither SVG nor PNG, its directory does not exist, or matplotlib is
            missing.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise UsageError(f"--plot {path}: the name must end with {' or '.join(FORMATS)}")
    if not target.parent.is_dir():
        raise UsageError(f"--plot {path}: directory {target.parent} does not exist")
    new_figure(1.0)
    return target


def new_figure(height: float) -> Figure:
    """An empty figure, `height` inches high.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as missing:
        raise UsageError(
            "--plot needs matplotlib: install it with pip install 'davylamp[plots]'"
        ) from missing
    return Figure(figsize=(9.0, height), layout="constrained")


def write(figure: Figure, target: Path) -> None:
    """Write a figure; the same figure gives the same bytes."""
    import matplotlib as mpl  # noqa: PLC0415

    dated = {"Date": None} if target.suffix.lower() == ".svg" else {}
    with mpl.rc_context({"svg.hashsalt": "davylamp"}):
        figure.savefig(target, metadata=dated, dpi=120)
