"""Lets a fake world run by itself: pods start, requests come, gates answer, time passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from tests.support.world import Children, judgement, revision_of

from davylamp.api.spec import CheckName
from davylamp.checks import CheckVerdict
from davylamp.gates import Verdict


class Model(Enum):
    """What a model version is like once it runs."""

    GOOD = "good"
    ERRORS = "answers with errors"
    CRASHES = "crashes at start"
    UNREADY = "never becomes ready"
    BLIND = "cannot be measured"
    WRONG = "is not the model that the spec names"
    SILENT = "does not answer when it is checked"


VERDICTS = {
    Model.GOOD: Verdict.PASS,
    Model.ERRORS: Verdict.FAIL,
    Model.BLIND: Verdict.UNKNOWN,
}
CHECKED = {
    Model.WRONG: {CheckName.GOLDEN: CheckVerdict.FAIL},
    Model.SILENT: dict.fromkeys(CheckName, CheckVerdict.UNKNOWN),
}
Models = Mapping[str, Model]
MOST_PASSES = 2000


def no_crash() -> int | None:
    """The operator is not killed."""
    return None


def live(world: Children, models: Models, *, seconds: float = 5.0) -> None:
    """Some seconds of life without the operator."""
    world.sweep()
    world.controllers_run()
    world.wait(seconds=seconds)
    for tag, model in models.items():
        _live(world, tag, model)


def _live(world: Children, tag: str, model: Model) -> None:
    revision = revision_of(tag)
    if model in CHECKED:
        world.checks[revision] = CHECKED[model]
    if model is Model.CRASHES:
        changes = {"waiting_reason": "CrashLoopBackOff", "restarts": 3, "last_exit_code": 1}
        for pod in [p for p in world.pods.get(revision, ()) if not p.terminating]:
            world.change_pod(revision, pod, **changes)
    elif model is not Model.UNREADY:
        _starting_pods_get_ready(world, tag)
    if revision not in world.serving():
        world.answers.pop(revision, None)
    elif model in VERDICTS:
        before = world.answers.get(revision)
        requests = (before.candidate.requests if before else 0) + 100
        world.answers[revision] = judgement(VERDICTS[model], requests=requests)


def _starting_pods_get_ready(world: Children, tag: str) -> None:
    revision = revision_of(tag)
    for pod in list(world.pods.get(revision, ())):
        if not pod.terminating and not pod.was_ready:
            world.change_pod(revision, pod, ready=True, was_ready=True)


def settle(
    world: Children,
    models: Models,
    *,
    crash: Callable[[], int | None] = no_crash,
    until: Callable[[Children], bool] = lambda _: False,
) -> Children:
    """Let it run until nothing is under way, or until a condition holds."""
    for _ in range(MOST_PASSES):
        before, writes = world.copy(), crash()
        decision = world.reconcile(crash_after=writes)
        if until(world):
            return world
        live(world, models, seconds=min(5.0, decision.wake_after or 5.0))
        if writes is None and decision.wake_after is None and _same(before, world):
            return world
    raise AssertionError(f"does not settle: {world.stored}")


def _same(one: Children, other: Children) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("stored", "selector", "scale", "pods", "records")
    )


def serving_world(tag: str = "v1", **settings: object) -> Children:
    """A world in which one good version serves."""
    world = Children(tag=tag, **settings)
    return settle(world, {tag: Model.GOOD})


def world_in(stage: str, models: Models | None = None, **settings: object) -> Children:
    """A world in which v1 serves and v2 has come to a stage (or to `Probation`, `Step2`)."""
    world = serving_world(**settings)
    world.apply("v2")
    models = models or {"v1": Model.GOOD, "v2": Model.GOOD}
    reached = {
        "Step2": lambda w: w.status.candidate is not None and w.status.candidate.step == 2,
        "Probation": lambda w: w.status.previous is not None,
        "Serving": lambda w: w.stable == "v2" and w.status.previous is None,
    }
    return settle(world, models, until=reached.get(stage, lambda w: w.stage == stage))
