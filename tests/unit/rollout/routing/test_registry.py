"""Which router a plan asks for."""

from typing import get_args

import pytest
from tests.support.nature import world_in

from davylamp.api.spec import Rollout, RouterName, Traffic
from davylamp.rollout.routing import ROUTERS, router_of
from davylamp.rollout.situation import Situation


def test_every_router_of_the_api_is_registered_and_no_other():
    assert set(ROUTERS) == set(get_args(RouterName))


@pytest.mark.parametrize("name", get_args(RouterName))
def test_the_plan_chooses(name):
    plan = Rollout(traffic=Traffic(router=name))
    assert router_of(plan) is ROUTERS[name]


@pytest.mark.parametrize("stage", ["Canary", "Serving"])
def test_every_decision_says_which_router_its_route_is_for(stage):
    world = world_in(stage)
    decision = world.decide()
    situation = Situation(world.status, world.observe())
    assert decision.desired.router is situation.router is ROUTERS["Service"]


def test_a_route_has_the_weight_of_the_last_step_while_it_is_opened():
    weights = {
        stage: world_in(stage).decide().desired.route.weight
        for stage in ("Preparing", "Canary", "Step2", "Promoting", "Probation", "Serving")
    }
    assert weights == {
        "Preparing": 0,
        "Canary": 25,
        "Step2": 40,
        "Promoting": 40,
        "Probation": 0,
        "Serving": 0,
    }
