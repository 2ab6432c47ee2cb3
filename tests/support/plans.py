"""The write plans of whole stories as tables, and the order of writes as the documents show it.

PYTHONPATH=operator:. python -m tests.support.plans > tests/unit/controller/reconcile/plans.md
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tests.support import nights
from tests.support.operation import NAMESPACE, QUICK, Land

from davylamp.api import names
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.cluster.writes import RULES, Apply, Consume, Fence, Replace, WriteStep
from davylamp.controller.reconcile import reconciler
from davylamp.controller.reconcile.writes import (
    Kept,
    PlannedWrite,
    PostEvent,
    StoreFlight,
    WritePlan,
    WriteStatus,
)

Json = dict[str, Any]
SHORT: Json = {
    **QUICK,
    "steps": [{"weight": 25, "hold": "10s"}, {"weight": 40, "hold": "10s"}],
    "probation": "10s",
}
INTRODUCTION = """\
# The write plan of each story

Printed by `tests/support/plans.py` and compared by `test_plans.py`. Each table is one pass: its writes in
their order. What would change nothing is not there.
"""


# --- plans as text ------------------------------------------------------------------------------


def order_of_writes() -> str:
    """The steps of a pass as a table, for docs/ARCHITECTURE.md."""
    lines = ["| | step | writes | why here | if refused |", "|---|---|---|---|---|"]
    for step, rule in RULES.items():
        lines.append(
            f"| {step.value} | {rule.title} | {rule.writes} | {rule.why} | {rule.if_refused.value} |"
        )
    return "\n".join(lines)


def table(plan: WritePlan, tags: dict[str, str]) -> str:
    """A plan as a Markdown table; revisions are called by their tags."""
    rows = [cells for write in plan.writes for cells in _row(write)]
    lines = ["| step | write | object | what | if refused |", "|---|---|---|---|---|"]
    text = "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
    for revision, tag in tags.items():
        text = text.replace(revision, tag)
    return text


def _row(write: PlannedWrite) -> Iterator[tuple[str, ...]]:
    what = _what(write)
    if what is not None:
        action, refused = type(write).__name__, write.if_refused.name.lower()
        yield RULES[write.step].title, action, f"{write.kind} {write.name}", what, refused
    for way in write.ways if isinstance(write, Fence) else ():
        kinds = " and ".join(dict.fromkeys(f"{type(w).__name__} {w.kind}" for w in way.writes))
        yield "", f"or {kinds}", "", way.done, ""


def _what(write: PlannedWrite) -> str | None:
    """What a write says; None for a status that says what it said."""
    match write:
        case WriteStatus():
            after = write.status(Kept.RECORD_AND_LIMIT, None)
            return None if after == write.parent.status else _status(after)
        case PostEvent():
            return "if that changed something" if write.if_changed else write.notice.severity
        case StoreFlight():
            return f"{write.flight.phase} of {write.flight.candidate.tag}: {write.flight.outcome}"
        case Apply() | Replace():
            return _content(write.manifest)
        case Consume():
            return write.command.value
        case _:
            return ""


def _content(manifest: Json) -> str:
    spec = manifest.get("spec", {})
    match manifest["kind"]:
        case "Service":
            return f"selects {spec['selector'].get(names.LABEL_REVISION, 'every revision')}"
        case "Deployment":
            return f"replicas {spec['replicas']}"
        case "ControllerRevision":
            return f"number {manifest['revision']}"
        case "CronJob":
            return f"at {spec['schedule']}"
        case _:
            return ""


def _status(status: ModelDeploymentStatus) -> str:
    parts = []
    if status.candidate:
        candidate = status.candidate
        parts.append(f"{candidate.tag} {candidate.stage.value}")
        if candidate.step:
            parts.append(f"step {candidate.step}, weight {candidate.weight}")
    if status.stable:
        parts.append(f"stable {status.stable.tag}")
    if status.previous:
        parts.append(f"previous {status.previous.tag}")
    if status.rejected:
        parts.append("rejected " + ", ".join(entry.tag for entry in status.rejected))
    recorded = [entry.recording for entry in status.history if entry.recording]
    if recorded:
        parts.append("flight records " + ", ".join(recorded))
    ready = next((c for c in status.conditions if c.type == "Ready"), None)
    return ", ".join([*parts, f"Ready: {ready.reason}" if ready else ""])


# --- the stories --------------------------------------------------------------------------------


def statuses(plan: WritePlan) -> list[WriteStatus]:
    """The one write of the status."""
    return [write for write in plan.writes if isinstance(write, WriteStatus)]


class Story:
    """A land whose plans are kept."""

    def __init__(self) -> None:
        self.land = Land()
        self.plans: list[WritePlan] = []
        self.tags: dict[str, str] = {}
        """By revision."""

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Keep every plan that is made meanwhile."""
        planned, refused = reconciler.write_plan, reconciler.refusal_plan
        with (
            patch.object(reconciler, "write_plan", self._kept(planned)),
            patch.object(reconciler, "refusal_plan", self._kept(refused)),
        ):
            yield

    def _kept(self, make: Callable[..., WritePlan]) -> Callable[..., WritePlan]:
        def made(*args: Any) -> WritePlan:
            plan = make(*args)
            self.plans.append(plan)
            for status in (write.decided[Kept.NOTHING] for write in statuses(plan)):
                refs = (status.candidate, status.stable, *status.history)
                self.tags |= {ref.revision: ref.tag for ref in refs if ref}
            return plan

        return made

    def telling(self, reason: str) -> WritePlan:
        """The last plan that tells a reason in an Event."""
        return next(
            p for p in reversed(self.plans) if any(w.name == reason for w in p.of(WriteStep.EVENTS))
        )

    def writing(self, kind: str, step: WriteStep = WriteStep.NIGHTLY) -> WritePlan:
        """The last plan with a write of a kind in a step."""
        return next(p for p in reversed(self.plans) if any(w.kind == kind for w in p.of(step)))

    async def served(self, **changes: Any) -> None:
        self.land.apply("v1", **{"rollout": SHORT, **changes})
        await self.land.settle()

    async def in_canary(self) -> None:
        self.land.apply("v2")
        await self.land.until(lambda: "v2" in self.land.serving())


async def first(story: Story) -> dict[str, WritePlan]:
    await story.served()
    story.land.operator.wake(story.land.operator.cache.parents()[0])
    await story.land.tick()
    return {
        "The first revision begins": story.telling("RolloutStarted"),
        "The first revision serves": story.telling("Promoted"),
        "Idle": story.plans[-1],
    }


async def good(story: Story) -> dict[str, WritePlan]:
    await story.served()
    story.land.apply("v2")
    await story.land.settle()
    reasons = {
        "A rollout begins": "RolloutStarted",
        "A canary begins": "CanaryStarted",
        "A step": "StepAdvanced",
        "A promotion begins": "PromotionStarted",
        "A promotion": "Promoted",
        "A probation is over": "ProbationPassed",
    }
    return {title: story.telling(reason) for title, reason in reasons.items()}


async def bad(story: Story) -> dict[str, WritePlan]:
    await story.served()
    story.land.prometheus.error_share["v2"] = 0.3
    story.land.apply("v2")
    await story.land.settle()
    return {"A gate fails": story.telling("RolledBack")}


async def bad_in_probation(story: Story) -> dict[str, WritePlan]:
    await story.served(rollout={**SHORT, "probation": "5m"})
    story.land.apply("v2")
    await story.land.until(lambda: story.land.stable() == "v2")
    story.land.prometheus.error_share["v2"] = 0.3
    await story.land.settle()
    return {"A gate fails in the probation": story.telling("RolledBack")}


async def undo(story: Story) -> dict[str, WritePlan]:
    await story.served()
    for tag in ("v2", "v1"):
        story.land.apply(tag)
        await story.land.settle()
    return {
        "An undo begins": story.telling("ReturnStarted"),
        "An undo is done": story.telling("Returned"),
    }


async def superseded(story: Story) -> dict[str, WritePlan]:
    await story.served()
    await story.in_canary()
    story.land.apply("v3")
    await story.land.tick()
    return {"A canary is superseded": story.telling("Superseded")}


async def invalid(story: Story) -> dict[str, WritePlan]:
    story.land.apply("v1", seed=-1)
    await story.land.tick()
    refused = story.plans[-1]
    await story.served(seed=42)
    story.land.apply("v2", seed=-1)
    await story.land.tick()
    return {
        "An invalid spec, nothing was followed before": refused,
        "An invalid spec, something serves": story.plans[-1],
    }


async def edited(story: Story) -> dict[str, WritePlan]:
    await story.served()
    name = story.land.cluster.find("Deployment")[0]["metadata"]["name"]

    def edit(item: Json) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "other:v9"

    story.land.cluster.edit("Deployment", name, edit)
    await story.land.run(2)
    return {"A Deployment was edited by hand": story.telling("Restored")}


async def pinned(story: Story) -> dict[str, WritePlan]:
    metadata = {"name": "licence", "namespace": NAMESPACE}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"key": "b25l"}}
    story.land.cluster.put(secret)
    licence = [{"name": "licence", "policy": "Pin"}]
    await story.served(secrets=licence, rollout={**SHORT, "history": 1, "steps": []})
    plans = {"A revision with a pinned Secret begins": story.telling("RolloutStarted")}
    for tag in ("v2", "v3"):
        story.land.apply(tag)
        await story.land.settle()
    gone = story.writing("ControllerRevision", WriteStep.SHRINK)
    return {**plans, "A revision that nobody needs is deleted": gone}


async def nightly(story: Story) -> dict[str, WritePlan]:
    asked = {"schedule": "17 3 * * *", "onDrift": "RejectCandidate"}
    await story.served(explanations=asked)
    plans = {"A nightly job is asked for": story.writing("CronJob")}
    story.land.apply("v2")
    await story.land.until(lambda: story.land.cluster.find("Job"))
    plans["A candidate has a Job to pass"] = story.writing("Job")
    (job,) = story.land.cluster.find("Job")
    nights.end(story.land, job, 3, nights.report("Drifted", 0.4))
    await story.land.settle()
    story.land.say(names.Command.RETRY, story.land.status().rejected[0].revision)
    await story.land.run(10)
    plans["A candidate is tried again"] = story.writing("Job")
    await story.land.settle()
    story.land.apply("v1", explanations=None)
    await story.land.run(3)
    plans["A nightly job is asked for no more"] = story.writing("CronJob")
    return plans


async def commanded(story: Story) -> dict[str, WritePlan]:
    await story.served()
    await story.in_canary()
    land = story.land
    land.say(names.Command.ABORT, land.status().stable.revision)
    await land.run(1)
    plans = {"A command is refused": story.telling("CommandRefused")}
    land.say(names.Command.ABORT, land.status().candidate.revision)
    await land.run(1)
    plans["A command is accepted"] = story.telling("Aborted")
    await land.run(1)
    plans["The same words are a new command"] = story.plans[-1]
    return plans


STORIES: tuple[Callable[[Story], Awaitable[dict[str, WritePlan]]], ...] = (
    first,
    good,
    bad,
    bad_in_probation,
    undo,
    superseded,
    invalid,
    edited,
    pinned,
    nightly,
    commanded,
)


async def told(tell: Callable[[Story], Awaitable[dict[str, WritePlan]]]) -> str:
    """The plans of one story."""
    story = Story()
    with story.recorded():
        plans = await tell(story)
    sections = (f"\n## {title}\n\n{table(plan, story.tags)}" for title, plan in plans.items())
    return "\n".join(sections)


async def all_stories() -> str:
    """The whole file."""
    return INTRODUCTION + "\n".join([await told(tell) for tell in STORIES]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(all_stories()))
