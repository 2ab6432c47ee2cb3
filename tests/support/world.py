"""A small cluster that remembers what was written to it, for tests of the pure decision.

Effects of a decision are written in the controller's order (fence, grow, status, route, shrink)
and may stop after any of them, as when the operator is killed there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from davylamp.api.gates import OnFail
from davylamp.api.names import Command, Reason
from davylamp.api.spec import CheckName, Rollout, Step
from davylamp.api.status import ModelDeploymentStatus, RevisionRef, Stage, to_json
from davylamp.api.status_parts import GateForecast
from davylamp.checks import CheckReason, CheckResult, CheckVerdict
from davylamp.gates import Count, Judgement, Verdict
from davylamp.images import ImageAnswer, ImageFinding
from davylamp.rollout import (
    ContainerState,
    Decision,
    Inspected,
    Notice,
    Observation,
    PodFailure,
    PodState,
    Workload,
    decide,
)
from davylamp.rollout.commands.memory import answer_to, is_answered
from davylamp.rollout.pods.memory import PodMemory, remembered, with_times
from davylamp.schema.json import JsonObject

NAME = "diabetes-risk"
NAMESPACE = "models"
START = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
EVERY_POD = "*"
NOBODY = "none"
NODES = ("node-a", "node-b")
"""Pods are spread over them in turn."""
OF_POD = {of_pod.name for of_pod in fields(PodState)}
"""Fields of a pod; other changes of one are changes of its model container."""
STARTED = ContainerState(running=True, started=True)
"""A model container that is not ready yet."""
WELL = {"waiting_reason": None, "waiting_message": None, "unscheduled": None, "disruption": None}
"""What is not there any more once a pod is ready."""
TWO_STEPS = Rollout(steps=(Step(weight=25, hold="1m"), Step(weight=40, hold="2m")))


def revision_of(tag: str) -> str:
    """A revision name that shows its tag."""
    return f"{tag:0>10}"


def ref(tag: str) -> RevisionRef:
    return RevisionRef(
        revision=revision_of(tag), tag=tag, digest=None, feature_snapshot="2026-11-01", seed=42
    )


def judgement(verdict: Verdict, *, requests: int = 1000, reason: str | None = None) -> Judgement:
    reasons = {
        Verdict.PASS: "ErrorRateAcceptable",
        Verdict.FAIL: "ErrorRateWorse",
        Verdict.UNDECIDED: "GatheringEvidence",
        Verdict.UNKNOWN: "NoTraffic",
    }
    errors = requests // 5 if verdict is Verdict.FAIL else 0
    return Judgement(
        verdict=verdict,
        reason=reason or reasons[verdict],
        message=f"{errors} of {requests} requests failed",
        candidate=Count(requests, errors),
        stable=Count(4 * requests, 0),
    )


REASONS = {
    CheckVerdict.PASS: CheckReason.PREDICTIONS_REPRODUCED,
    CheckVerdict.FAIL: CheckReason.PREDICTIONS_DIFFER,
    CheckVerdict.UNKNOWN: CheckReason.UNREACHABLE,
}


def check_result(name: CheckName, verdict: CheckVerdict) -> CheckResult:
    return CheckResult(name, verdict, REASONS[verdict], f"8 golden requests: {verdict.lower()}")


class Effect(NamedTuple):
    """One write, by name."""

    name: str
    do: Callable[[], None]


@dataclass
class Children:
    """Spec, stored status, Deployments, pods, selector of the Service, and what the gates say."""

    rollout: Rollout = TWO_STEPS
    replicas: int = 4
    tag: str = "v1"
    now: datetime = START
    generation: int = 1
    paused: bool = False
    commands: dict[Command, str] = field(default_factory=dict)
    declared: frozenset[Command] = frozenset()
    """Commands that stand in an applied manifest."""
    may_consume: bool = True
    """Whether the operator is let take answered commands off."""
    taken: dict[Command, datetime | None] = field(default_factory=dict)
    """What the operator's process remembers of those that it took off: when they were answered."""
    missing_secrets: tuple[str, ...] = ()
    image: ImageFinding | None = None
    """What is known of the image of the spec's revision, until that is recorded."""
    pins: dict[str, str] = field(default_factory=dict)
    tags: dict[str, ImageAnswer] = field(default_factory=dict)
    """Where tags of pinned revisions point to now."""
    source_error: str | None = None
    first_scrape_seen: bool = True
    stored: JsonObject = field(default_factory=dict)
    records: list[str] = field(default_factory=list)
    scale: dict[str, int] = field(default_factory=dict)
    pods: dict[str, list[PodState]] = field(default_factory=dict)
    memories: dict[str, PodMemory] = field(default_factory=dict)
    """What the operator's process observed of each pod; it observes every change as it happens."""
    watched_since: datetime | None = None
    skew: timedelta = timedelta()
    """By how much the clocks of the nodes are ahead."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Why a revision gets no more pods."""
    selector: str = NOBODY
    answers: dict[str, Judgement] = field(default_factory=dict)
    """What every gate says about a revision; none: it was not asked yet."""
    said: dict[str, Judgement] = field(default_factory=dict)
    """What single gates say instead, by name."""
    forecast: tuple[GateForecast, ...] = ()
    """What gates will be able to find of a candidate without traffic."""
    without_baseline: dict[str, str] = field(default_factory=dict)
    """Gates that find nothing on stable while a candidate has no traffic."""
    baseline: dict[str, float] = field(default_factory=dict)
    """Explanation shares of training that a pod tells with the checks."""
    checks: dict[str, Mapping[CheckName, CheckVerdict] | None] = field(default_factory=dict)
    """What a revision's pods answer where it is not a pass at once; None: nobody asked yet."""
    notices: list[Notice] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    named: int = 0

    # --- what people do -----------------------------------------------------------------------

    def apply(self, tag: str | None = None, **changes: object) -> None:
        """An edit of the spec."""
        self.tag = tag or self.tag
        for name, value in changes.items():
            setattr(self, name, value)
        self.generation += 1

    def say(self, command: Command, tag: str, suffix: str = "") -> None:
        """An annotation."""
        self.commands[command] = revision_of(tag) + (f"@{suffix}" if suffix else "")

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    # --- what is there ------------------------------------------------------------------------

    @property
    def status(self) -> ModelDeploymentStatus:
        return ModelDeploymentStatus.model_validate(self.stored)

    @property
    def stable(self) -> str | None:
        return self.status.stable.tag if self.status.stable else None

    @property
    def candidate(self) -> str | None:
        return self.status.candidate.tag if self.status.candidate else None

    @property
    def stage(self) -> Stage | None:
        return self.status.candidate.stage if self.status.candidate else None

    @property
    def rejected(self) -> set[str]:
        return {entry.tag for entry in self.status.rejected}

    @property
    def told(self) -> list[Reason]:
        return [notice.reason for notice in self.notices]

    def condition(self, kind: str) -> tuple[str, str, str] | None:
        """Status, reason and message of a condition."""
        found = next((c for c in self.status.conditions if c.type == kind), None)
        return (found.status, found.reason, found.message) if found else None

    def serving(self) -> set[str]:
        """Revisions whose pods get user traffic right now."""
        return {
            revision
            for revision, pods in self.pods.items()
            if self.selector in {EVERY_POD, revision}
            and any(pod.ready and pod.living for pod in pods)
        }

    def observe(self) -> Observation:
        status = self.status
        judged = status.candidate or (status.stable if status.previous else None)
        asked = judged is not None and (
            status.candidate is None or status.candidate.stage in {Stage.CANARY, Stage.PROMOTING}
        )
        answer = self.answers.get(judged.revision) if judged and asked else None
        known = {*self.scale, *self.pods}
        preparing = status.candidate is not None and status.candidate.stage is Stage.PREPARING
        return Observation(
            now=self.now,
            generation=self.generation,
            target=ref(self.tag),
            rollout=self.rollout,
            replicas=self.replicas,
            watched_since=self.watched_since,
            paused=self.paused,
            commands=dict(self.commands),
            declared=self.declared,
            consumed=dict(self.taken),
            workloads={r: self._workload(r) for r in sorted(known)},
            recorded=tuple(self.records),
            missing_secrets=self.missing_secrets,
            image=self.image,
            pins=dict(self.pins),
            tags=dict(self.tags),
            judged=judged.revision if judged else None,
            judgements=self._judgements(answer) if answer else {},
            forecast=self.forecast if preparing else (),
            without_baseline=dict(self.without_baseline) if preparing else {},
            source_error=self.source_error,
            first_scrape_seen=self.first_scrape_seen,
            inspected=self._inspected(),
        )

    def _judgements(self, answer: Judgement) -> dict[str, Judgement]:
        """One by gate: of the pinned plan, and in a probation of those that roll back."""
        candidate = self.status.candidate
        gates = candidate.plan.gates if candidate else self.rollout.gates
        asked = (g.name for g in gates if candidate or g.action is OnFail.ROLLBACK)
        return {name: self.said.get(name, answer) for name in asked}

    def _inspected(self) -> Inspected | None:
        """What a ready pod said to the checks that the stored status asks for."""
        status = self.status
        candidate, verification = status.candidate, status.verification
        if candidate and candidate.stage is Stage.PREPARING:
            revision, since, asked = candidate.revision, candidate.started_at, self.rollout.checks
        elif verification and candidate is None:
            revision, since = verification.revision, verification.at
            asked = (CheckName.GOLDEN,)
        else:
            return None
        said = self.checks.get(revision, {})
        if said is None or not self._workload(revision).ready:
            return None
        results = (check_result(n, said.get(n, CheckVerdict.PASS)) for n in asked)
        return Inspected(revision, since, tuple(results), dict(self.baseline))

    def _workload(self, revision: str) -> Workload:
        tick = self.now.timestamp()
        pods = tuple(
            with_times(pod, self.memories[pod.name], self.now, tick)
            if pod.name in self.memories
            else pod
            for pod in self.pods.get(revision, ())
        )
        scale, refusal = self.scale.get(revision, 0), self.refusals.get(revision)
        return Workload(revision, scale, pods, refusal=refusal)

    # --- what the operator does ---------------------------------------------------------------

    def decide(self) -> Decision:
        return decide(self.status, self.observe(), name=NAME, namespace=NAMESPACE)

    def reconcile(self, *, crash_after: int | None = None) -> Decision:
        """One pass; killed after `crash_after` writes if that is given."""
        decision = self.decide()
        for effect in self.effects(decision)[:crash_after]:
            effect.do()
            self.written.append(effect.name)
        if crash_after is not None:
            self.taken.clear()
        return decision

    def effects(self, decision: Decision) -> list[Effect]:
        """The writes of a decision, in the controller's order, none that changes nothing."""
        return [
            *self._fence(decision),
            *self._grow(decision),
            *self._remember(decision),
            *self._consume(decision),
            *self._route(decision),
            *self._shrink(decision),
        ]

    def _wanted_selector(self, decision: Decision) -> str:
        route = decision.desired.route
        return EVERY_POD if route.opened else route.stable or NOBODY

    def _fence(self, decision: Decision) -> list[Effect]:
        wanted = self._wanted_selector(decision)
        known = {*self.records, *self.scale, *self.pods}
        admitted = {r for r in known if self.selector in {EVERY_POD, r}}
        if all(wanted in {EVERY_POD, r} for r in admitted):
            return []
        return [Effect(f"fence to {wanted}", lambda: setattr(self, "selector", wanted))]

    def _grow(self, decision: Decision) -> list[Effect]:
        new = decision.status.candidate
        effects = []
        image = self.image if new and self.image and self.image.revision == new.revision else None
        held = image is not None and image.holds
        if new and new.revision not in self.records and not (self.missing_secrets or held):
            revision = new.revision
            effects.append(Effect(f"record {revision}", lambda: self._record(revision)))
        growing = {
            r: n
            for r, n in decision.desired.replicas.items()
            if n > self.scale.get(r, 0) and (r in self.records or effects)
        }
        effects += [self._scaling(revision, pods) for revision, pods in growing.items()]
        return effects

    def _record(self, revision: str) -> None:
        self.records.append(revision)
        if self.image and self.image.revision == revision and self.image.digest:
            self.pins[revision] = self.image.digest

    def _remember(self, decision: Decision) -> list[Effect]:
        after = to_json(decision.status)
        if after == self.stored:
            return []

        def write() -> None:
            self.stored = after
            self.notices += decision.notices

        return [Effect("status", write)]

    def _consume(self, decision: Decision) -> list[Effect]:
        """Commands that were answered come off the object, unless a manifest would put them back."""

        def consume(command: Command) -> None:
            del self.commands[command]
            self.taken[command] = self._answered(command)

        return [
            Effect(f"consume {command}", lambda command=command: consume(command))
            for command, value in self.commands.items()
            if self.may_consume and command not in self.declared
            if is_answered(decision.status, command, value)
        ]

    def _answered(self, command: Command) -> datetime | None:
        answer = answer_to(self.status, command)
        return answer.at if answer else None

    def _route(self, decision: Decision) -> list[Effect]:
        wanted = self._wanted_selector(decision)
        if wanted == self.selector or self._fence(decision):
            return []
        return [Effect(f"route to {wanted}", lambda: setattr(self, "selector", wanted))]

    def _shrink(self, decision: Decision) -> list[Effect]:
        wanted = decision.desired.replicas
        shrinking = {r: n for r, n in wanted.items() if n < self.scale.get(r, 0)}
        gone = [r for r in self.records if r not in wanted]
        return [
            *(self._scaling(revision, pods) for revision, pods in shrinking.items()),
            *(Effect(f"delete {r}", lambda r=r: self._delete(r)) for r in gone),
        ]

    def _scaling(self, revision: str, pods: int) -> Effect:
        return Effect(f"scale {revision} to {pods}", lambda: self.scale.update({revision: pods}))

    def _delete(self, revision: str) -> None:
        self.scale.pop(revision, None)
        self.records.remove(revision)

    # --- what Deployments and kubelets do ---------------------------------------------------------

    def controllers_run(self) -> None:
        """ReplicaSets create the pods that are missing and delete those too many."""
        for revision in sorted({*self.scale, *self.pods}):
            pods = self.pods.setdefault(revision, [])
            living = [pod for pod in pods if pod.living]
            missing = 0 if revision in self.refusals else self.scale.get(revision, 0) - len(living)
            for _ in range(missing):
                self.named += 1
                name = f"{NAME}-{revision}-{self.named}"
                node = NODES[self.named % len(NODES)]
                pods.append(PodState(name, node=node, containers=(STARTED,)))
                self._note(pods[-1])
            for pod in living[self.scale.get(revision, 0) :]:
                self.change_pod(revision, pod, terminating=True, ready=False)

    def change_pod(self, revision: str, pod: PodState, **changes: object) -> None:
        """A new status of a pod or its container; the time of a change of readiness is noted."""
        if "ready" in changes and changes["ready"] != pod.ready:
            changes = {"ready_changed_at": self.now + self.skew, **changes}
        pods = self.pods[revision]
        of_container = {name: changes.pop(name) for name in changes.keys() - OF_POD}
        if "ready" in changes:
            of_container = {
                "ready": changes["ready"],
                "running": True,
                "started": True,
            } | of_container
        if of_container:
            model, *others = pod.containers
            changes["containers"] = (replace(model, **of_container), *others)
        number = pods.index(pod)
        pods[number] = replace(pod, **changes)
        self._note(pods[number])

    def _note(self, pod: PodState) -> None:
        known = self.memories.get(pod.name)
        self.memories[pod.name] = remembered(known, pod, self.now.timestamp())

    def operator_restarts(self) -> None:
        """Another process takes over, that remembers nothing but the status."""
        self.memories, self.watched_since = {}, self.now
        for pod in [pod for pods in self.pods.values() for pod in pods]:
            self._note(pod)

    def ready(self, tag: str) -> None:
        """Every living pod of a tag becomes ready."""
        revision = revision_of(tag)
        for pod in list(self.pods.get(revision, ())):
            if pod.living and not pod.node_lost:
                self.change_pod(revision, pod, ready=True, was_ready=True, **WELL)

    def unready(self, tag: str, count: int = 1, **changes: object) -> None:
        """Some pods of a tag stop being ready."""
        revision = revision_of(tag)
        for pod in [p for p in self.pods[revision] if p.living][:count]:
            self.change_pod(revision, pod, ready=False, **changes)

    def fail(self, tag: str, reason: str, message: str = "") -> None:
        """The first living pod of a tag is over, and stays around."""
        revision = revision_of(tag)
        for pod in [p for p in self.pods.get(revision, ()) if p.living][:1]:
            self.change_pod(revision, pod, ready=False, failure=PodFailure(reason, message))

    def lose(self, node: str) -> None:
        """Nobody hears of a node any more: the control plane calls its pods unready."""
        for revision, pods in self.pods.items():
            for pod in [p for p in pods if p.node == node and p.living and p.ready]:
                self.change_pod(revision, pod, ready=False, node_lost=True)

    def recover(self, node: str) -> None:
        """A node is back, with the pods that it had."""
        for revision, pods in self.pods.items():
            for pod in [p for p in pods if p.node == node and p.node_lost]:
                self.change_pod(revision, pod, ready=True, node_lost=False)

    def sweep(self) -> None:
        """Pods that were terminating are gone."""
        for revision in list(self.pods):
            self.pods[revision] = [p for p in self.pods[revision] if not p.terminating]
            if not self.pods[revision]:
                del self.pods[revision]

    def copy(self) -> Children:
        """The same world, to try something out on; what is inside the containers is immutable."""
        return replace(
            self,
            commands=dict(self.commands),
            taken=dict(self.taken),
            records=list(self.records),
            scale=dict(self.scale),
            pods={revision: list(pods) for revision, pods in self.pods.items()},
            memories=dict(self.memories),
            refusals=dict(self.refusals),
            answers=dict(self.answers),
            said=dict(self.said),
            without_baseline=dict(self.without_baseline),
            baseline=dict(self.baseline),
            checks=dict(self.checks),
            notices=list(self.notices),
            written=list(self.written),
        )
