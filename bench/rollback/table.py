"""The table of the rollback bench: a column for each setting, then one for each peer."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bench.rollback import peers
from bench.rollback.measures import Abort, Incident
from bench.rollback.runs import Healthy, Outage
from rich.table import Table

UNMEASURED: Final = "-"
Rows = list[tuple[str, ...]]
_INCIDENT: Final[Sequence[tuple[str, Callable[[Incident], float], int]]] = (
    ("first bad answer to last, s", lambda incident: incident.first_bad_to_last, 1),
    ("bad answers", lambda incident: incident.bad_answers, 0),
    ("requests lost", lambda incident: incident.lost, 0),
    ("first bad answer to decision, s", lambda incident: incident.to_decision, 1),
    ("decision to selector written, s", lambda incident: incident.to_fence, 2),
    ("selector written to last canary answer, s", lambda incident: incident.to_silence, 2),
)
"""Title, number and digits; the peers' numbers are known of the first two."""
_ABORT: Final[Sequence[tuple[str, Callable[[Abort], float], int]]] = (
    ("abort stored to last canary answer, s", lambda abort: abort.stored_to_silence, 2),
    ("stored to selector written, s", lambda abort: abort.stored_to_fence, 2),
    ("kubectl annotate typed to last canary answer, s", lambda abort: abort.typed_to_silence, 2),
    ("requests lost", lambda abort: abort.lost, 0),
)


class RollbackTable:
    """Rows of text. What was measured with the first setting alone leaves the others' cells empty.

    Args:
        settings: headings of what was measured here.
    """

    def __init__(self, settings: Sequence[str]) -> None:
        self.headings = ("", *settings, *peers.NAMES)
        self.rows: Rows = []
        self._settings = len(settings)

    def incidents(
        self, title: str, measured: Mapping[str, Sequence[Incident]], *, with_peers: bool
    ) -> None:
        """Add rows about bad canaries, which were measured in every setting."""
        known = (peers.BAD_SECONDS, peers.BAD_ANSWERS) if with_peers else ()
        for number, (what, value, digits) in enumerate(_INCIDENT):
            cells = [spread([*map(value, runs)], digits) for runs in measured.values()]
            others = known[number] if number < len(known) else ()
            self._add(f"{title}: {what}" if not number else f"  {what}", cells, others)

    def aborts(self, measured: Sequence[Abort]) -> None:
        """Add rows about aborts by a user."""
        for number, (what, value, digits) in enumerate(_ABORT):
            cell = spread([*map(value, measured)], digits)
            self._add(
                f"  {what}" if number else what, [cell], () if number else peers.ABORT_SECONDS
            )

    def healthy(self, measured: Sequence[Healthy]) -> None:
        """Add rows about healthy canaries."""
        rolled_back = sum(run.rolled_back for run in measured)
        cell = f"{rolled_back} of {len(measured)} rolled back"
        self._add("healthy canary, 0.5 % errors, limit 1 %", [cell], peers.HEALTHY)
        self._add("  seconds watched", [spread([run.seconds for run in measured], 0)])

    def outage(self, measured: Outage) -> None:
        """Add rows about an outage of Prometheus."""
        held = measured.steps_during == {measured.steps_before} and not measured.rolled_back
        cell = f"held ({measured.reason})" if held else "NOT HELD"
        self._add("Prometheus away for 60 s, healthy canary", [cell], peers.OUTAGE)
        after = measured.promoted_after
        self._add("  its return to promotion, s", ["never" if after is None else f"{after:.0f}"])
        self._add("  requests lost in all", [str(measured.lost)])

    def drawn(self) -> Table:
        """The table for a terminal."""
        table = Table(title="rollback: median (range)", title_justify="left")
        for heading in self.headings:
            table.add_column(heading)
        for row in self.rows:
            table.add_row(*row)
        return table

    def _add(self, title: str, cells: Sequence[str], others: Sequence[str] = ()) -> None:
        unmeasured = [UNMEASURED] * (self._settings - len(cells))
        unknown = [""] * (len(peers.NAMES) - len(others))
        self.rows.append((title, *cells, *unmeasured, *others, *unknown))


def spread(values: Sequence[float], digits: int) -> str:
    """Median and range."""
    low, high = min(values), max(values)
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"
