"""The evidence against a canary over time, as a text chart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 64
HEIGHT: Final = 10
_MARGIN: Final = 11
_BAR: Final = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class EvidenceCurve:
    """Evidence by seconds since the start, as log10 of e-values, and the bound for a rollback."""

    points: tuple[tuple[float, float], ...]
    bound: float


def drawn(curve: EvidenceCurve) -> Iterator[str]:
    """Lines of bars that rise from no evidence (1:1) to the bound."""
    columns = _columns(curve)
    top = max(curve.bound, *columns)
    bound_row = min(HEIGHT - 1, int(curve.bound / top * HEIGHT - 1e-9))
    for row in reversed(range(HEIGHT)):
        empty = "─" if row == bound_row else " "
        label = f"10^{curve.bound:.3g}" if row == bound_row else "1" if row == 0 else ""
        bars = "".join(_cell(value / top * HEIGHT - row, empty) for value in columns)
        yield f"{label:>{_MARGIN}} ┤{bars}"
    last = f"{curve.points[-1][0]:.6g} s"
    yield f"{'':>{_MARGIN}} └{'0 s':<{WIDTH - len(last)}}{last}"
    yield f"{'':>{_MARGIN}}  evidence against the canary (e-value); the line is the rollback bound"


def _columns(curve: EvidenceCurve) -> list[float]:
    """The evidence by column: of the last block until then, the largest if several closed."""
    end = curve.points[-1][0] or 1.0
    columns: list[float] = []
    reached, value = 0, 0.0
    for column in range(1, WIDTH + 1):
        inside = []
        while reached < len(curve.points) and curve.points[reached][0] <= end * column / WIDTH:
            inside.append(curve.points[reached][1])
            reached += 1
        if inside:
            value = inside[-1]
        columns.append(max(0.0, *inside) if inside else max(0.0, value))
    return columns


def _cell(filled: float, empty: str) -> str:
    """One character of a bar; `filled` is the part of it that the bar fills, 1 or more for all."""
    if filled <= 0:
        return empty
    return _BAR[min(len(_BAR) - 1, int(filled * len(_BAR)))]
