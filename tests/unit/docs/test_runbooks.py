"""Every alert and every reason that a user may meet has its place in the runbooks."""

from typing import get_args

import yaml
from tests.support.documents import CHART, RUNBOOKS, code, rows, section, text

from davylamp.adapters.errors import SourceFault
from davylamp.api.names import HoldReason, Reason, RollbackReason
from davylamp.gates.verdicts import NO_DATA

PROCEEDS_NOT = RUNBOOKS / "rollout-does-not-proceed.md"


def members(alias) -> set[Reason]:
    """The reasons of a (union of) Literal."""
    return {m for part in get_args(alias) for m in (get_args(part) or (part,))}


def explained(page: str) -> set[str]:
    """What the first column of a page's tables names."""
    return {name for row in rows(page) for name in code(row[0])}


def test_every_alert_has_its_runbook():
    rules = yaml.safe_load(text(CHART / "files" / "alerts.yaml"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert {path.stem for path in RUNBOOKS.glob("Davylamp*.md")} == {a["alert"] for a in alerts}
    for alert in alerts:
        url = alert["annotations"].get("runbook_url")
        assert url is None or (RUNBOOKS / url.rsplit("/", 1)[-1]).is_file()


def test_every_hold_is_in_the_runbook_and_nothing_else():
    page = text(PROCEEDS_NOT).split("`AwaitingData` names what is missing")[0]
    assert explained(page) == {"waitingFor"} | {reason.value for reason in members(HoldReason)}


def test_every_kind_of_missing_data_is_in_the_runbook_and_nothing_else():
    _, _, rest = text(PROCEEDS_NOT).partition("`AwaitingData` names what is missing")
    page = rest.split("## ")[0]
    assert explained(page) == {*NO_DATA, *SourceFault}


def test_every_reason_of_a_rollback_is_in_the_runbook_and_nothing_else():
    page = section(RUNBOOKS / "DavylampRolledBack.md", "## Why?")
    assert explained(page) == {reason.value for reason in members(RollbackReason)}


def test_every_state_of_a_verification_is_in_the_runbook():
    page = text(RUNBOOKS / "DavylampRollbackNotVerified.md")
    for reason in (Reason.VERIFYING, Reason.ROLLBACK_NOT_VERIFIED, Reason.NOTHING_TO_VERIFY):
        assert f"`{reason}`" in page
