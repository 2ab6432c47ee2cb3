"""Operating characteristics of the error-rate gate, from the product's own code.

Run from the repository's root: `PYTHONPATH=operator python -m bench.gates.simulate`. Every canary
has its own seed, so the numbers are the same on every machine. A figure "a / b" is the median and
the 95th percentile in seconds, ">1h" is beyond the simulated hour. Below each row are the design's
figures; `!` marks what is worse than they are beyond Monte-Carlo noise.
"""

from __future__ import annotations

import argparse

from bench.gates import costs, detection, tables

QUICK = 1
FULL = 8


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=FULL, help=f"size; {FULL} is about 5 minutes")
    options.add_argument("--quick", action="store_true", help="the smallest size")
    told = options.parse_args()
    size = QUICK if told.quick else told.runs
    worse = (
        tables.healthy(size)
        + tables.broken(2 * size)
        + tables.boundaries(3 * size)
        + tables.promotions(3 * size)
        + tables.clusters(3 * size)
        + tables.misaligned(size)
    )
    over = detection.show(max(100, 50 * size))
    exceeded = costs.show()
    print(f"\nCells worse than the design beyond noise: {worse}; detection cases above 1.3 times")
    print(f"the information limit: {over}; cost limits exceeded: {exceeded}")


if __name__ == "__main__":
    main()
