"""Operating characteristics of the error-rate gate, from the product's own code.

Run from the repository's root: `PYTHONPATH=operator python -m bench.gates.simulate [--runs N]`.
Every canary has its own seed, so the numbers are the same on every machine. A figure "a / b" is
the median and the 95th percentile in seconds, "> 1h" stands for beyond the simulated hour.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

from bench.gates import scenarios
from bench.gates.scenarios import Case
from bench.gates.trials import Outcome, quantile, rolled_back, runs

Figure = Callable[[Sequence[Outcome]], str]


def share_rolled_back(outcomes: Sequence[Outcome]) -> str:
    return f"{rolled_back(outcomes):.1%}"


def seconds_to_rollback(outcomes: Sequence[Outcome]) -> str:
    return _times([each.rolled_back for each in outcomes])


def seconds_after_the_break(outcomes: Sequence[Outcome]) -> str:
    found = [None if each.rolled_back is None else each.rolled_back - 1200 for each in outcomes]
    early = sum(each is not None and each < 0 for each in found)
    return _times(found) + (f" ({early} early)" if early else "")


def promotions(outcomes: Sequence[Outcome]) -> str:
    times = [each.passed for each in outcomes]
    share = sum(each is not None for each in times) / len(times)
    return f"{share:.1%}" + (f", {_times(times)}" if share > 0.5 else "")


def _times(times: Sequence[float | None]) -> str:
    median, high = quantile(times, 0.5), quantile(times, 0.95)
    return " / ".join("> 1h" if each is None else f"{each:.0f}" for each in (median, high))


def table(
    title: str, cases: Sequence[Case], figure: Figure, count: int, *, aligned: bool = True
) -> None:
    began = time.perf_counter()
    print(f"\n{title} ({count} canaries each)")
    print(f"  {'scenario':<46} {'Davylamp':>20} {'design':>20}")
    for case in cases:
        found = figure(runs(case.scenario, case.rule, count, aligned=aligned))
        print(f"  {case.scenario.name:<46} {found:>20} {case.design:>20}", flush=True)
    print(f"  {time.perf_counter() - began:.0f} s")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=40, help="canaries that live for an hour")
    count = options.parse_args().runs
    healthy, broken = scenarios.healthy(), scenarios.broken()
    table("Rolled back within a healthy hour", healthy, share_rolled_back, count)
    table("The same, 2 + 6 pods scraped out of step", healthy[:2], share_rolled_back, count // 2,
          aligned=False)  # fmt: skip
    table("Rolled back at the bounds (1 % allowed)", scenarios.boundaries(), share_rolled_back,
          2 * count)  # fmt: skip
    table("Shared outage seen at different times", scenarios.misaligned(), share_rolled_back, count)
    table("Seconds to the rollback", broken, seconds_to_rollback, 5 * count)
    table("Seconds to it, 2 + 6 pods scraped out of step", broken[:4], seconds_to_rollback,
          2 * count, aligned=False)  # fmt: skip
    table("Seconds to it after a late break", scenarios.late(), seconds_after_the_break, count)
    table("Passed within the hour", scenarios.promoted(), promotions, count)


if __name__ == "__main__":
    main()
