"""What the operator costs, counted: writes to the API server and queries to Prometheus.

    PYTHONPATH=operator:. python -m bench.reconcile

Needs no cluster: the real reconciler works on one in memory, by a simulated clock, so the numbers
are the same on every machine and every run.
"""

import asyncio
import sys

from bench.reconcile import counts
from bench.reconcile.counts import Work
from rich.console import Console
from rich.table import Table

from davylamp.controller.leadership.lease import LeaseSettings

KINDS = {
    "status": ("ModelDeployment",),
    "services": ("Service",),
    "deployments": ("Deployment",),
    "other objects": ("ConfigMap", "Secret", "ControllerRevision", "PodDisruptionBudget"),
    "events": ("Event",),
}


async def stories() -> dict[str, Work]:
    """Each story by its title."""
    return {
        "first install": await counts.first_install(),
        "good rollout, default steps, 20 pods": await counts.rollout("v2"),
        "bad rollout (20 % errors)": await counts.rollout("v2", counts.BAD),
        "idle hour": await counts.idle(),
        f"{counts.MANY} good rollouts at once, 4 pods each": await counts.many(),
    }


def main() -> int:
    """Play the stories and print the table."""
    found = asyncio.run(stories())
    table = Table(title="the operator's work, per rollout", title_justify="left")
    for heading in ("", "minutes", "API writes", *KINDS, "API reads", "queries", "per poll"):
        table.add_column(heading, justify="left" if not heading else "right")
    for title, work in found.items():
        table.add_row(title, *_cells(work))
    console = Console(width=160)
    console.print(table)
    lease = LeaseSettings(name="davylamp", namespace="davylamp-system", identity="bench")
    console.print(
        f"The leader's Lease, counted apart: {counts.leases_per_minute(lease):.0f} writes a minute "
        f"at {lease.duration:.0f} s, a few more by jitter. Queries: one a second while something "
        "is judged, for all rollouts together."
    )
    return 0


def _cells(work: Work) -> list[str]:
    per_kind = [sum(work.writes[kind] for kind in kinds) for kinds in KINDS.values()]
    shown = [work.writes_in_all, *per_kind, work.reads, work.queries]
    minutes = f"{work.seconds / 60:.1f}"
    return [
        minutes,
        *(f"{number / work.rollouts:.4g}" for number in shown),
        f"{work.queries_per_poll:.4g}",
    ]


if __name__ == "__main__":
    sys.exit(main())
