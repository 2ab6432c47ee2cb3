"""The table of the rollback bench: every measured number has its own place, under its setting."""

from dataclasses import replace

import pytest
from bench.rollback import peers
from bench.rollback.__main__ import SETTINGS
from bench.rollback.measures import Abort, Incident
from bench.rollback.runs import Healthy, Outage
from bench.rollback.table import UNMEASURED, RollbackTable, spread

from davylamp.api.spec import Rollout

DEFAULT, DIRECT = SETTINGS
SLOW = Incident(41.0, 205, 1000, 2, 40.0, 0.25, 0.75)
SLOWER = Incident(45.0, 225, 1100, 2, 43.0, 0.27, 0.85)
FAST = Incident(3.0, 15, 80, 0, 2.0, 0.5, 0.125)
HELD = Outage((1, 25), frozenset({(1, 25)}), rolled_back=False, reason="SourceDown",
              promoted_after=31.4, lost=0)  # fmt: skip


@pytest.fixture
def table():
    return RollbackTable(tuple(SETTINGS))


def cells(table, title):
    """The cells of one row by heading."""
    (row,) = [row for row in table.rows if row[0].strip() == title]
    return dict(zip(table.headings, row, strict=True))


def test_every_number_of_an_incident_stands_below_its_setting(table):
    table.incidents("20 %", {DEFAULT: [SLOW, SLOWER, SLOW], DIRECT: [FAST]}, with_peers=False)
    numbers = {row[0].strip(): row[1:3] for row in table.rows}
    assert numbers == {
        "20 %: first bad answer to last, s": ("41.0 (41.0-45.0)", "3.0 (3.0-3.0)"),
        "bad answers": ("205 (205-225)", "15 (15-15)"),
        "requests lost": ("2 (2-2)", "0 (0-0)"),
        "first bad answer to decision, s": ("40.0 (40.0-43.0)", "2.0 (2.0-2.0)"),
        "decision to selector written, s": ("0.25 (0.25-0.27)", "0.50 (0.50-0.50)"),
        "selector written to last canary answer, s": ("0.75 (0.75-0.85)", "0.12 (0.12-0.12)"),
    }


def test_peers_stand_beside_what_was_measured_of_them_and_nowhere_else(table):
    table.incidents("20 %", {DEFAULT: [SLOW], DIRECT: [FAST]}, with_peers=True)
    table.aborts([Abort(0.5, 0.4, 0.1, 0)])
    for name in peers.NAMES:
        filled = [row[table.headings.index(name)] for row in table.rows]
        number = peers.NAMES.index(name)
        assert [cell for cell in filled if cell] == [
            peers.BAD_SECONDS[number],
            peers.BAD_ANSWERS[number],
            peers.ABORT_SECONDS[number],
        ]
        assert filled[-4] == peers.ABORT_SECONDS[number]


def test_every_number_of_an_abort_has_its_row(table):
    table.aborts([Abort(0.5, 0.4, 0.1, 3)])
    assert [row[1] for row in table.rows] == [
        "0.40 (0.40-0.40)", "0.10 (0.10-0.10)", "0.50 (0.50-0.50)", "3 (3-3)",
    ]  # fmt: skip
    assert {row[2] for row in table.rows} == {UNMEASURED}


def test_healthy_canaries_are_counted(table):
    runs = [
        Healthy(60.0, rolled_back, not rolled_back, 900, 4, "") for rolled_back in (True, False)
    ]
    table.healthy(runs)
    assert cells(table, "healthy canary, 0.5 % errors, limit 1 %")[DEFAULT] == "1 of 2 rolled back"
    assert cells(table, "seconds watched")[DEFAULT] == "60 (60-60)"


@pytest.mark.parametrize(
    ("changes", "cell"),
    [
        ({}, "held (SourceDown)"),
        ({"steps_during": frozenset({(1, 25), (2, 50)})}, "NOT HELD"),
        ({"rolled_back": True}, "NOT HELD"),
    ],
)
def test_a_canary_holds_only_if_it_neither_moves_nor_goes_back(table, changes, cell):
    table.outage(replace(HELD, **changes))
    assert cells(table, "Prometheus away for 60 s, healthy canary")[DEFAULT] == cell
    assert cells(table, "its return to promotion, s")[DEFAULT] == "31"


def test_a_canary_that_was_never_promoted_says_so(table):
    table.outage(replace(HELD, promoted_after=None))
    assert cells(table, "its return to promotion, s")[DEFAULT] == "never"


def test_every_row_fills_every_column_of_the_drawing(table):
    table.incidents("20 %", {DEFAULT: [SLOW], DIRECT: [FAST]}, with_peers=True)
    table.outage(HELD)
    drawn = table.drawn()
    assert [str(column.header) for column in drawn.columns] == list(table.headings)
    assert {len(list(column.cells)) for column in drawn.columns} == {len(table.rows)}
    assert {len(row) for row in table.rows} == {len(table.headings)}


def test_a_spread_is_median_and_range():
    assert spread([1.0, 9.0, 2.0], 1) == "2.0 (1.0-9.0)"


def test_the_settings_are_the_defaults_and_direct_scrapes():
    default, direct = (Rollout.model_validate(rollout) for rollout in SETTINGS.values())
    assert default == Rollout()
    assert direct.evidence.source == "Pods"
    assert direct.model_copy(update={"evidence": default.evidence}) == default
