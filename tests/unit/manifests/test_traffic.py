"""Who gets traffic, written as selectors; one Event per thing that happened."""

from datetime import UTC, datetime

import pytest

from davylamp.api.names import Reason
from davylamp.manifests import Owner, admits, disruption_budget, event, services
from davylamp.rollout import Notice, Route

OWNER = Owner("risk", "models", "uid-1")
NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
ROUTES = [
    Route(None),
    Route(None, "bbb"),
    Route("aaa"),
    Route("aaa", "bbb"),
    Route("aaa", "bbb", opened=True),
]


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_the_main_service_admits_whom_the_route_admits(route):
    main, _, _ = services(OWNER, route)
    for revision in ("aaa", "bbb"):
        assert admits(main, revision) == route.admits(revision)


def test_the_other_services_name_one_revision_each():
    _, stable, canary = services(OWNER, Route("aaa", "bbb", opened=True))
    assert [admits(stable, r) for r in ("aaa", "bbb")] == [True, False]
    assert [admits(canary, r) for r in ("aaa", "bbb")] == [False, True]


def test_without_a_canary_its_service_leads_to_stable():
    assert admits(services(OWNER, Route("aaa"))[2], "aaa")


def test_before_anything_serves_no_pod_gets_traffic():
    for service in services(OWNER, Route(None)):
        assert not admits(service, "aaa")


@pytest.mark.parametrize(
    ("stored", "admitted"),
    [
        ({}, False),
        ({"spec": {}}, False),
        ({"spec": {"selector": {}}}, True),
        ({"spec": {"selector": {"app": "anything"}}}, True),
    ],
)
def test_a_selector_that_names_no_revision_is_open_to_all(stored, admitted):
    assert admits(stored, "aaa") is admitted


def test_drains_take_one_pod_of_any_revision():
    budget = disruption_budget(OWNER)["spec"]
    assert budget == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": {"davylamp.dev/model": "risk"}},
    }


def test_events_have_names_of_their_own():
    notices = [
        Notice(Reason.RESTORED, "put back", "aaa"),
        Notice(Reason.RESTORED, "put back", "bbb"),
        Notice(Reason.ROLLED_BACK, "taken back", "bbb", "Warning"),
    ]
    told = [event(OWNER, notice, now=NOW, reporter="davylamp-0") for notice in notices]
    assert len({each["metadata"]["name"] for each in told}) == 3
    assert [each["type"] for each in told] == ["Normal", "Normal", "Warning"]


def test_a_long_sentence_is_cut():
    told = event(OWNER, Notice(Reason.RESTORED, "x" * 5000, "aaa"), now=NOW, reporter="r")
    assert len(told["message"]) == 1024
    assert told["involvedObject"]["uid"] == "uid-1"
