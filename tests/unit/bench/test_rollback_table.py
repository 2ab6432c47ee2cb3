"""The table that the rollback bench prints: what was measured stands below its setting."""

import pytest
from bench.rollback import __main__ as bench
from bench.rollback import peers
from bench.rollback.measures import Incident

from davylamp.api.spec import Rollout

SLOW, FAST = (
    Incident(
        first_bad_to_last=seconds,
        bad_answers=round(5 * seconds),
        canary_answers=100,
        lost=0,
        to_decision=seconds - 1,
        to_fence=0.25,
        to_silence=0.75,
    )
    for seconds in (10.0, 3.0)
)


def row(table, title):
    """The cells of one row by heading."""
    cells = {str(column.header): list(column.cells) for column in table.columns}
    number = cells[""].index(title)
    return {name: column[number] for name, column in cells.items() if name}


def test_bad_canaries_stand_below_their_setting_and_peers_beside_them():
    table = bench._table()
    bench._incident_rows(table, "20 %", [[SLOW], [FAST]], with_peers=True)
    seconds = row(table, "20 %: first bad answer to last, s")
    assert seconds["Davylamp default"] == "10.0 (10.0-10.0)"
    assert seconds["Davylamp fast lane"] == "3.0 (3.0-3.0)"
    assert seconds["Argo fastest"] == "14-24"
    assert row(table, "  bad answers")["Davylamp fast lane"] == "15 (15-15)"


def test_what_was_measured_with_the_defaults_alone_says_so():
    table = bench._table()
    bench._default_row(table, "abort", "0.4", *peers.ABORT_SECONDS)
    told = row(table, "abort")
    assert (told["Davylamp default"], told["Davylamp fast lane"]) == ("0.4", "-")
    assert told["Argo fastest"] == "0.5-2.4"


@pytest.mark.parametrize("heading", bench.SETTINGS)
def test_every_setting_is_one_of_the_api(heading):
    rollout = Rollout.model_validate(bench.SETTINGS[heading])
    assert (rollout.evidence.source == "Pods") is (heading == "Davylamp fast lane")
