"""The tables of the design's section 5, from the product's own code."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.gates import design, gates, scenarios
from bench.gates.canaries import Outcome, Scenarios, of_seed, run, run_classic
from bench.gates.figures import Cell, share_cell, times_cell
from bench.gates.gates import Gate

from davylamp.simulation.peers import ClassicRule

Row = tuple[str, Sequence[Cell]]
Figure = Callable[[str, Gate, Sequence[Outcome], str], Cell]
_WIDTH = 20


def outcomes(scenario: Scenarios, gate: Gate, count: int) -> list[Outcome]:
    """What a gate does with canaries of the seeds 0 to `count` - 1."""
    rule = gate.rule
    if isinstance(rule, ClassicRule):
        return [run_classic(of_seed(scenario, seed), rule, seed) for seed in range(count)]
    return [run(of_seed(scenario, seed), rule, seed, gate.lens) for seed in range(count)]


def show(title: str, columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Print a table as it grows, the design's figures below each row; how many cells are worse."""
    began, worse = time.perf_counter(), 0
    print(f"\n{title}")
    print("  " + "".join(f"{column:>{_WIDTH}}" for column in columns))
    for name, cells in rows:
        worse += sum(cell.is_worse for cell in cells)
        print(f"  {name}")
        print("  " + "".join(f"{c.found + '!' * c.is_worse:>{_WIDTH}}" for c in cells))
        print("  " + "".join(f"{c.design:>{_WIDTH}}" for c in cells) + "  design", flush=True)
    print(f"  {time.perf_counter() - began:.0f} s, worse than the design (!): {worse}")
    return worse


def rows(
    found: Mapping[str, Scenarios],
    columns: Sequence[Gate],
    count: int,
    figures: Mapping[str, Mapping[str, str]],
    figure: Figure,
) -> Iterable[Row]:
    """Cells by scenario."""
    for name, scenario in found.items():
        yield (
            name,
            [
                figure(
                    name, gate, outcomes(scenario, gate, count), figures[name].get(gate.name, "")
                )
                for gate in columns
            ],
        )


def healthy(count: int) -> int:
    """Section 5.1."""
    columns = (*gates.PRODUCT, *gates.CLASSIC)
    found = rows(scenarios.healthy(), columns, count, design.table(design.HEALTHY), rolled_back)
    return show(f"5.1 Rolled back within an hour ({count} canaries)", _names(columns), found)


def broken(count: int) -> int:
    """Section 5.2."""
    columns = (*gates.PRODUCT, *gates.CLASSIC)
    found = rows(scenarios.broken(), columns, count, design.table(design.BROKEN), found_after)
    return show(
        f"5.2 Seconds to the rollback, median / p95 ({count} canaries)", _names(columns), found
    )


def boundaries(count: int) -> int:
    """Section 5.3."""

    def at_ratio_1(name: str, gate: Gate) -> Gate:
        assert not isinstance(gate.rule, ClassicRule)
        rule = dataclasses.replace(gate.rule, ratio=1.0) if "ratio=1" in name else gate.rule
        return dataclasses.replace(gate, rule=rule)

    figures = design.table(design.BOUNDARIES)
    found = (
        row
        for name, scenario in scenarios.boundaries().items()
        for row in rows(
            {name: scenario},
            [at_ratio_1(name, gate) for gate in gates.AT_BOUNDS],
            count,
            figures,
            rolled_back,
        )
    )
    title = f"5.3 Rolled back at the bounds, 1 % is allowed ({count} canaries)"
    return show(title, _names(gates.AT_BOUNDS), found)


def promotions(count: int) -> int:
    """Section 5.4."""
    figures, gate = design.table(design.PROMOTION), Gate("e-gate 5s", gates.FAST)
    columns = ("promoted within 1 h", "median / p95 s", "rolled back")

    def cells() -> Iterable[Row]:
        for name, scenario in scenarios.promotions().items():
            seen, said = outcomes(scenario, gate, count), figures[name]
            good = said[columns[0]].startswith("100")
            yield name, _promotion(seen, [said[column] for column in columns], good=good)

    return show(f"5.4 Promoted within an hour ({count} canaries)", columns, cells())


def clusters(count: int) -> int:
    """Section 5.5."""

    def figure(name: str, gate: Gate, seen: Sequence[Outcome], said: str) -> Cell:
        which = rolled_back if name.startswith("null") else found_after
        return which(name, gate, seen, said)

    figures = design.table(design.CLUSTERS)
    found = rows(scenarios.clusters(), gates.IN_CLUSTERS, count, figures, figure)
    title = f"5.5 Correlated errors ({count} canaries)"
    return show(title, _names(gates.IN_CLUSTERS), found)


def misaligned(count: int) -> int:
    """Section 5.6."""
    figures = design.table(design.MISALIGNED)
    found = rows(scenarios.misaligned(), gates.OUT_OF_STEP, count, figures, rolled_back)
    title = f"5.6 Rolled back for a shared incident seen at different times ({count} canaries)"
    return show(title, _names(gates.OUT_OF_STEP), found)


def rolled_back(name: str, gate: Gate, seen: Sequence[Outcome], said: str) -> Cell:
    """Share of canaries that were rolled back, where fewer are better."""
    del name, gate
    return share_cell(sum(each.rolled_back is not None for each in seen), len(seen), said)


def found_after(name: str, gate: Gate, seen: Sequence[Outcome], said: str) -> Cell:
    """Seconds from the fault to the rollback; what was rolled back before it is left out."""
    began = scenarios.LATE if "20min" in name else 0.0
    times = [None if each.rolled_back is None else each.rolled_back - began for each in seen]
    later = [each for each in times if each is None or each >= 0]
    cell = times_cell(later or [None], said, step=gate.lens.step)
    early = len(times) - len(later)
    told = f"{cell.found} {early / len(times):.0%} early" if early else cell.found
    return dataclasses.replace(cell, found=told, design=_short(said))


def _promotion(seen: Sequence[Outcome], said: Sequence[str], *, good: bool) -> list[Cell]:
    passed = [each.passed for each in seen]
    hits = sum(each is not None for each in passed)
    back = sum(each.rolled_back is not None for each in seen)
    promoted = share_cell(hits, len(seen), said[0], more_is_worse=not good)
    times = times_cell(passed, said[1], step=5.0) if good else Cell("", said[1])
    return [promoted, times, share_cell(back, len(seen), said[2], more_is_worse=good)]


def _short(said: str) -> str:
    return said.replace("[", "").replace("]", "").replace(" s", "")


def _names(columns: Sequence[Gate]) -> list[str]:
    return [gate.name for gate in columns]
