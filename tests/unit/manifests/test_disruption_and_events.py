"""The disruption budget of a model; one Event per thing that happened."""

from datetime import UTC, datetime

from davylamp.api.names import Reason
from davylamp.manifests import Owner, disruption_budget, event
from davylamp.rollout import Notice

OWNER = Owner("risk", "models", "uid-1")
NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)


def test_drains_take_one_ready_pod_of_a_revision_and_any_that_is_not_ready():
    budget = disruption_budget(OWNER, "4be2000000")
    assert budget["metadata"]["name"] == "risk-4be2000000"
    assert budget["spec"] == {
        "maxUnavailable": 1,
        "selector": {
            "matchLabels": {"davylamp.dev/model": "risk", "davylamp.dev/revision": "4be2000000"}
        },
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def test_events_have_names_of_their_own():
    notices = [
        Notice(Reason.RESTORED, "put back", "aaa"),
        Notice(Reason.RESTORED, "put back", "bbb"),
        Notice(Reason.ROLLED_BACK, "rolled back", "bbb", "Warning"),
    ]
    events = [event(OWNER, notice, now=NOW, reporter="davylamp-0") for notice in notices]
    assert len({event["metadata"]["name"] for event in events}) == 3
    assert [event["type"] for event in events] == ["Normal", "Normal", "Warning"]


def test_a_long_sentence_is_cut():
    written = event(OWNER, Notice(Reason.RESTORED, "x" * 5000, "aaa"), now=NOW, reporter="r")
    assert len(written["message"]) == 1024
    assert written["involvedObject"]["uid"] == "uid-1"
