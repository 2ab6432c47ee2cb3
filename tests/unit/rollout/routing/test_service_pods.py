"""Router `Service`: a share is a number of whole pods, and Services say who gets traffic."""

import pytest

from davylamp.api.identity import Owner
from davylamp.api.spec import Step
from davylamp.rollout import Route
from davylamp.rollout.routing.service_pods import ServicePods

ROUTER = ServicePods()


@pytest.mark.parametrize(
    ("weight", "stable", "pods"),
    [
        (25, 4, 1),
        (5, 4, 0),
        (5, 19, 1),
        (5, 20, 1),
        (50, 1, 1),
        (50, 4, 4),
        (49, 1, 0),
        (99, 1, 99),
        (1, 99, 1),
        (1, 98, 0),
        (33, 10, 4),
    ],
)
def test_the_most_pods_within_a_weight(weight, stable, pods):
    assert ROUTER.canary_pods(weight, stable) == pods


@pytest.mark.parametrize("weight", range(1, 100, 7))
def test_p11_the_share_never_exceeds_the_weight_and_one_more_pod_would(weight):
    for stable in range(1, 200):
        pods = ROUTER.canary_pods(weight, stable)
        assert 100 * pods <= weight * (pods + stable)
        assert 100 * (pods + 1) > weight * (pods + 1 + stable)


def test_the_lowest_weight_is_the_first_that_one_pod_fits():
    for stable in range(1, 1001):
        lowest = ROUTER.lowest_weight(stable)
        assert ROUTER.canary_pods(lowest, stable) >= 1
        assert lowest == 1 or ROUTER.canary_pods(lowest - 1, stable) == 0


def test_a_canary_has_no_fewer_pods_than_a_policy_allows():
    router = ROUTER.at_least(2)
    assert [router.canary_pods(25, stable) for stable in (3, 4, 6)] == [0, 0, 2]
    assert router.next_step([Step(weight=25, hold="1m"), Step(weight=40, hold="1m")], 0, 4) == 2
    for stable in range(1, 100):
        lowest = router.lowest_weight(stable)
        assert router.canary_pods(lowest, stable) >= 2
        assert router.canary_pods(lowest - 1, stable) == 0
    assert ROUTER.at_least(0) == ROUTER.at_least(1) == ROUTER


def test_no_pods_have_no_share():
    assert ROUTER.share(50, canary_pods=0, stable_pods=0) == 0


@pytest.mark.parametrize(
    ("weights", "done", "stable", "number"),
    [
        ((5, 25, 50), 0, 4, 2),  # 5 % is no whole pod of 4
        ((5, 25, 50), 0, 20, 1),
        ((5, 25, 50), 2, 4, 3),
        ((5, 25, 50), 3, 4, None),
        ((25, 30, 50), 1, 4, 3),  # 30 % would add no pod to 25 %
        ((5, 10), 0, 4, None),
        ((), 0, 4, None),
    ],
)
def test_steps_that_add_no_whole_pod_are_passed_over(weights, done, stable, number):
    steps = tuple(Step(weight=weight, hold="1m") for weight in weights)
    assert ROUTER.next_step(steps, done, stable) == number


# --- who gets traffic, written as selectors -------------------------------------------------------

OWNER = Owner("risk", "models", "uid-1")
ROUTES = [
    Route(None),
    Route(None, "bbb"),
    Route("aaa"),
    Route("aaa", "bbb"),
    Route("aaa", "bbb", opened=True),
]


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_the_main_service_admits_whom_the_route_admits(route):
    main, _, _ = ROUTER.objects(OWNER, route)
    for revision in ("aaa", "bbb"):
        assert ROUTER.admits(main, revision) == route.admits(revision)


def test_the_other_services_name_one_revision_each():
    _, stable, canary = ROUTER.objects(OWNER, Route("aaa", "bbb", opened=True))
    assert [ROUTER.admits(stable, r) for r in ("aaa", "bbb")] == [True, False]
    assert [ROUTER.admits(canary, r) for r in ("aaa", "bbb")] == [False, True]


def test_without_a_canary_its_service_leads_to_stable():
    assert ROUTER.admits(ROUTER.objects(OWNER, Route("aaa"))[2], "aaa")


def test_before_anything_serves_no_pod_gets_traffic():
    for service in ROUTER.objects(OWNER, Route(None)):
        assert not ROUTER.admits(service, "aaa")


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
    assert ROUTER.admits(stored, "aaa") is admitted
