"""Rollouts with one replica behind the router `Weights`; prints what happened as one JSON object.

Run in a process of its own, in which `davylamp` is the copy that has this router.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.support.nature import Model, settle
from tests.support.world import Children, Effect, revision_of

import davylamp
from davylamp.api.crd import custom_resource_definition
from davylamp.api.identity import Owner
from davylamp.api.names import Command
from davylamp.api.spec import Rollout, Traffic
from davylamp.api.status import Stage
from davylamp.rollout import Decision, PodState
from davylamp.rollout.routing import objects_of_every_router
from davylamp.schema.json import JsonObject
from davylamp.simulation.plans import schedule

OWNER = Owner("diabetes-risk", "models", "uid-1")
V1, V2 = revision_of("v1"), revision_of("v2")
GOOD = {"v1": Model.GOOD, "v2": Model.GOOD}
PLAN = Rollout.model_validate(
    {
        "steps": [{"weight": 5, "hold": "1m"}, {"weight": 50, "hold": "1m"}],
        "traffic": {"router": "Weights"},
    }
)


@dataclass
class Routed(Children):
    """A world whose traffic follows the objects of the decision's router."""

    objects: dict[str, JsonObject] = field(default_factory=dict)

    @property
    def weights(self) -> dict[str, str]:
        """The list, as it is stored."""
        return dict(self.objects["diabetes-risk-weights"]["data"])

    def serving(self) -> set[str]:
        listed = {revision for revision, weight in self.weights.items() if weight != "0"}
        return {r for r in listed if any(pod.ready for pod in self.pods.get(r, ()))}

    def _fence(self, decision: Decision) -> list[Effect]:
        return [
            self._write("fence", wanted)
            for router, wanted in objects_of_every_router(OWNER, decision.desired.route)
            if any(
                router.admits(self._stored(wanted), r) and not router.admits(wanted, r)
                for r in self.records
            )
        ]

    def _route(self, decision: Decision) -> list[Effect]:
        if self._fence(decision):
            return []
        wanted = decision.desired.router.objects(OWNER, decision.desired.route)
        return [self._write("route", item) for item in wanted if item != self._stored(item)]

    def _stored(self, wanted: JsonObject) -> JsonObject:
        return self.objects.get(wanted["metadata"]["name"], {})

    def _write(self, name: str, wanted: JsonObject) -> Effect:
        key = wanted["metadata"]["name"]
        return Effect(f"{name} {key}", lambda: self.objects.update({key: wanted}))


def story() -> JsonObject:
    """What happened, by chapter."""
    chapters: JsonObject = {"davylamp": davylamp.__file__ or str(davylamp.__path__)}
    world = settle(Routed(rollout=PLAN, replicas=1), GOOD)
    chapters["installed"] = world.weights

    world.apply("v2")
    world.reconcile()
    world.controllers_run()
    world.ready("v2")
    world.pods["0000000old"] = [PodState("stuck", terminating=True)]
    world.reconcile()
    chapters["canary"] = canary(world)

    written = len(world.written)
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS}, until=lambda w: bool(w.rejected))
    chapters["fence"] = {"weights": world.weights, "writes": world.written[written:]}

    world.say(Command.RETRY, "v2")
    chapters["promotion"] = promotion(world)
    chapters["promoted"] = {"stable": world.stable, "weights": world.weights}

    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    chapters["rolled back"] = {"stable": world.stable, "weights": world.weights}

    chapters["another router"] = another_router()

    chapters["simulated"] = [change.weight for change in schedule(PLAN, 1, 10.0, 1.0).weights]
    chapters["in the CRD"] = '"Weights"' in json.dumps(custom_resource_definition())
    return chapters


def another_router() -> JsonObject:
    """A canary begins behind `Weights`; the spec asks for `Service` and the canary is aborted."""
    world = settle(Routed(rollout=PLAN, replicas=1), GOOD)
    world.apply("v2")
    settle(world, GOOD, until=lambda w: w.stage is Stage.CANARY)
    world.apply(rollout=PLAN.model_copy(update={"traffic": Traffic(router="Service")}))
    world.reconcile()
    pinned = world.weights
    world.say(Command.ABORT, "v2")
    written = len(world.written)
    world.reconcile()
    return {"pinned": pinned, "first write": world.written[written], "weights": world.weights}


def promotion(world: Routed) -> list[dict[str, str]]:
    """The lists of weights on the way to promotion, each once."""
    lists: list[dict[str, str]] = []

    def promoted(world: Children) -> bool:
        assert isinstance(world, Routed)
        if world.weights not in lists:
            lists.append(world.weights)
        return world.status.previous is not None

    settle(world, GOOD, until=promoted)
    return lists


def canary(world: Routed) -> JsonObject:
    """What the status says of a canary, and what is stored."""
    candidate = world.status.candidate
    return {
        "weights": world.weights,
        "actual": candidate.actual_weight,
        "shares": [change.share for change in candidate.weights],
        "pods": dict(world.scale),
    }


if __name__ == "__main__":
    print(json.dumps(story()))
