"""Any order of events, commands and crashes: the promises hold after every single write."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.nature import Model, live, serving_world, world_in
from tests.support.world import NAME, NAMESPACE, NODES, Children, judgement, revision_of

from davylamp.api.gates import Gate, OnFail
from davylamp.api.names import Command, Reason
from davylamp.api.spec import CheckName, Rollout, Step
from davylamp.api.status import Rejected, Stage, to_json
from davylamp.checks import CheckVerdict
from davylamp.gates import Verdict
from davylamp.gates.kinds.error_rate import ErrorRateSpec
from davylamp.rollout import ContainerState, Decision, PodState, decide
from davylamp.schema.json import JsonObject
from davylamp.schema.quantities import seconds

TAGS = ("v1", "v2", "v3", "v4")
PLAN = Rollout(
    steps=(Step(weight=25, hold="1m"), Step(weight=40, pause=True), Step(weight=60, hold="30s")),
    deadline="30m",
    min_requests=20,
    history=2,
)
PLANS = (
    PLAN,
    PLAN.model_copy(update={"on_deadline": "Rollback", "probation": "0s"}),
    PLAN.model_copy(update={"gates": (), "min_requests": 0}),
    PLAN.model_copy(update={"steps": ()}),
    PLAN.model_copy(update={"checks": ()}),
    PLAN.model_copy(update={"checks": (CheckName.GOLDEN,), "progress_deadline": "2m"}),
    PLAN.model_copy(update={"steps": (Step(weight=15, hold="0s"), Step(weight=50, hold="0s"))}),
)
GATES = tuple(
    Gate(name=f"on-{each.lower()}", on_fail=each, error_rate=ErrorRateSpec()) for each in OnFail
)
"""One of each kind: those that roll back, pause and warn."""
PLANS += tuple(
    PLAN.model_copy(update={"gates": GATES, "no_data": no_data, "no_data_deadline": "1m"})
    for no_data in ("Hold", "Pause", "Rollback")
)
FROZEN_HOURS = 5
EXITS = ("kubectl ", "create it", "spec.paused", "spec.replicas", "spec.image.digest")
"""What a user can type; a hold that lasts has to name one of them."""

BEGINNINGS = ("New", "First", "Preparing", "Canary", "Probation", "Serving")
"""Where a run begins: deep states are rare when everything starts from nothing."""

HINDRANCES = (
    {"waiting_reason": "ImagePullBackOff", "waiting_message": "no such host", "running": False},
    {"waiting_reason": "ErrImagePull", "waiting_message": "toomanyrequests", "running": False},
    {"waiting_reason": "ContainerCreating", "running": False, "started": False},
    {"unscheduled": "0/2 nodes are available", "running": False, "started": False},
    {"disruption": "PreemptionByScheduler"},
)
"""What the cluster does to pods that are not ready."""
OVER = (
    ("Evicted", "The node was low on resource: memory."),
    ("NodeShutdown", "Pod was terminated in response to imminent node shutdown."),
    ("OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu"),
)
"""How the cluster ends pods."""
PROXY = ContainerState("proxy", "sidecar", running=True)
OWN_DOING = {
    Reason.CRASH_LOOP,
    Reason.OUT_OF_MEMORY,
    Reason.READINESS_LOST,
    Reason.PROGRESS_DEADLINE_EXCEEDED,
}
"""Why a revision is rolled back for what its pods do."""
SKEWS = (-7200, -60, 60, 7200, 86400)
"""Seconds that one clock may be ahead of another one."""

tags = st.sampled_from(TAGS)


def settled(world: Children) -> Children:
    """A copy after passes at the same instant until there is nothing left to write."""
    world = world.copy()
    for _ in range(8):
        if not world.effects(world.decide()):
            return world
        world.reconcile()
    raise AssertionError(f"does not settle: {world.written[-20:]}")


def remembered(world: Children) -> JsonObject:
    """The stored status; a state that one of two worlds never wrote leaves no transition time."""
    conditions = [{**c, "lastTransitionTime": None} for c in world.stored["conditions"]]
    return {**world.stored, "conditions": conditions}


class Rollouts(RuleBasedStateMachine):
    """A world, everything that can happen to it, and the operator killed anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Children(rollout=PLAN)
        self.floor = 0
        self.suffix = 0
        self.elapsed = 0.0
        """Real seconds, whatever any clock says."""
        self.at_work: dict[str, float] = {}
        """Since when pods have had nothing but themselves in their way, in real seconds."""

    # --- events -------------------------------------------------------------------------------

    @initialize(
        plan=st.sampled_from(PLANS),
        replicas=st.integers(1, 6),
        begun=st.sampled_from(BEGINNINGS),
        failing=st.sampled_from([None, None, "on-warn", "on-pause"]),
    )
    def begin(self, plan: Rollout, replicas: int, begun: str, failing: str | None) -> None:
        if begun == "New":
            self.world = Children(rollout=plan, replicas=replicas)
        elif begun == "First":
            self.world = serving_world(rollout=PLAN, replicas=replicas)
        else:
            easy = plan.model_copy(update={"steps": (Step(weight=50, hold="0s"),)})
            if not easy.gates:
                easy = PLAN.model_copy(update={"steps": easy.steps})
            probation = easy.model_copy(update={"probation": "10m"})
            self.world = world_in(begun, rollout=probation, replicas=replicas)
        self.world.said = {failing: judgement(Verdict.FAIL)} if failing else {}
        self.world.apply(rollout=plan)
        self.floor = replicas

    @rule(tag=tags)
    def spec_is_edited(self, tag: str) -> None:
        self.world.apply(tag)

    @rule(plan=st.sampled_from(PLANS))
    def plan_is_edited(self, plan: Rollout) -> None:
        self.world.apply(rollout=plan)

    @rule(replicas=st.integers(1, 9))
    def autoscaler_acts(self, replicas: int) -> None:
        self.world.apply(replicas=replicas)
        self.floor = min(self.floor, replicas)

    @rule(paused=st.booleans())
    def pause_is_set(self, paused) -> None:
        self.world.apply(paused=paused)

    @rule(missing=st.sampled_from([(), (), ("feature-store",)]))
    def secrets_change(self, missing: tuple[str, ...]) -> None:
        self.world.missing_secrets = missing

    @rule(error=st.sampled_from([None, None, "connection refused"]), scraped=st.booleans())
    def prometheus_changes(self, error: str | None, scraped) -> None:
        self.world.source_error = error
        self.world.first_scrape_seen = scraped

    @rule(tag=tags, verdict=st.sampled_from(Verdict), requests=st.sampled_from([5, 500, 50_000]))
    def gates_answer(self, tag: str, verdict: Verdict, requests: int) -> None:
        self.world.answers[revision_of(tag)] = judgement(verdict, requests=requests)

    @rule(name=st.sampled_from([gate.name for gate in GATES]), verdict=st.sampled_from(Verdict))
    def one_gate_differs(self, name: str, verdict: Verdict) -> None:
        self.world.said[name] = judgement(verdict)

    @rule()
    def all_gates_agree_again(self) -> None:
        self.world.said = {}

    @rule(without_baseline=st.booleans())
    def gates_find_stable_or_not(self, without_baseline) -> None:
        self.world.without_baseline = {"errors": "no series"} if without_baseline else {}

    @rule(
        tag=tags,
        answers=st.none()
        | st.dictionaries(st.sampled_from(CheckName), st.sampled_from(CheckVerdict)),
    )
    def pods_answer_the_checks(self, tag: str, answers) -> None:
        self.world.checks[revision_of(tag)] = answers

    @rule(command=st.sampled_from(Command), tag=tags, again=st.booleans())
    def user_says(self, command: Command, tag: str, again) -> None:
        self.suffix += again
        self.world.say(command, tag, str(self.suffix))

    @rule(seconds=st.sampled_from([1, 10, 61, 200, 900, 4000]))
    def time_passes(self, seconds: int) -> None:
        self._wait(seconds)

    @rule()
    def pods_are_created_and_deleted(self) -> None:
        self.world.controllers_run()

    @rule()
    def terminating_pods_are_gone(self) -> None:
        self.world.sweep()

    @rule(tag=tags)
    def pods_become_ready(self, tag: str) -> None:
        self.world.controllers_run()
        self.world.ready(tag)

    @rule(tag=tags)
    def pods_appear_at_once(self, tag: str) -> None:
        self.world.sweep()
        self.world.controllers_run()
        self.world.ready(tag)

    @rule(
        tag=tags,
        count=st.integers(1, 9),
        waiting=st.sampled_from([None, None, "CrashLoopBackOff", "ImagePullBackOff"]),
    )
    def pods_fail(self, tag: str, count: int, waiting: str | None) -> None:
        if revision_of(tag) in self.world.pods:
            self.world.unready(tag, count, waiting_reason=waiting)

    @rule(tag=tags, hindrance=st.sampled_from(HINDRANCES))
    def the_cluster_keeps_pods_from_starting(self, tag: str, hindrance: dict[str, object]) -> None:
        revision = revision_of(tag)
        for pod in [p for p in self.world.pods.get(revision, []) if p.living and not p.ready]:
            self.world.change_pod(revision, pod, **hindrance)

    @rule(tag=tags, quota=st.sampled_from([None, "exceeded quota"]))
    def a_quota_is_full_or_not(self, tag: str, quota: str | None) -> None:
        if quota:
            self.world.refusals[revision_of(tag)] = quota
        else:
            self.world.refusals.pop(revision_of(tag), None)

    @rule(tag=tags, over=st.sampled_from(OVER))
    def the_cluster_ends_a_pod(self, tag: str, over: tuple[str, str]) -> None:
        self.world.fail(tag, *over)

    @rule(node=st.sampled_from(NODES))
    def a_node_is_lost(self, node: str) -> None:
        self.world.lose(node)

    @rule(node=st.sampled_from(NODES))
    def a_node_is_back(self, node: str) -> None:
        self.world.recover(node)

    @rule(tag=tags, restarts=st.integers(1, 3))
    def a_sidecar_ends(self, tag: str, restarts: int) -> None:
        revision = revision_of(tag)
        for pod in [p for p in self.world.pods.get(revision, []) if p.living][:1]:
            model, *others = pod.containers
            proxy = others[0] if others else PROXY
            ended = replace(proxy, restarts=proxy.restarts + restarts, last_exit_code=1)
            self.world.change_pod(revision, pod, containers=(model, ended))

    @rule(seconds=st.sampled_from(SKEWS))
    def another_replica_takes_over_with_another_clock(self, seconds: int) -> None:
        self.world.wait(seconds=seconds)
        self.world.operator_restarts()
        self._note_work()

    @rule(seconds=st.sampled_from(SKEWS))
    def clocks_of_nodes_are_wrong(self, seconds: int) -> None:
        self.world.skew = timedelta(seconds=seconds)

    @rule(tag=tags)
    @precondition(lambda self: any(self.world.pods.values()))
    def tag_is_moved(self, tag: str) -> None:
        revision = revision_of(tag)
        for pod in self.world.pods.get(revision, [])[:1]:
            self.world.change_pod(revision, pod, image_id=f"sha256:{self.world.named}")

    @rule(passes=st.integers(1, 25), bad=st.sampled_from([None, None, "v2", "v3"]))
    def life_goes_on(self, passes: int, bad: str | None) -> None:
        models = {tag: Model.ERRORS if tag == bad else Model.GOOD for tag in TAGS}
        for _ in range(passes):
            self._pass(None)
            self.elapsed += 15
            live(self.world, models, seconds=15)
            self._note_work()

    # --- the operator -------------------------------------------------------------------------

    @rule()
    def operator_passes(self) -> None:
        self._pass(None)

    @rule()
    def operator_passes_twice(self) -> None:
        self._pass(None)
        self._pass(None)

    @rule(writes=st.integers(0, 6))
    def operator_is_killed(self, writes: int) -> None:
        self._pass(writes)

    @rule()
    def p5_a_crash_after_any_write_converges_to_the_same(self) -> None:
        straight = settled(self.world)
        for writes in range(len(self.world.effects(self.world.decide()))):
            crashed = self.world.copy()
            crashed.reconcile(crash_after=writes)
            again = settled(crashed)
            assert (again.selector, again.scale, again.records) == (
                straight.selector,
                straight.scale,
                straight.records,
            )
            assert remembered(again) == remembered(straight)

    def _pass(self, writes: int | None) -> None:
        world = self.world
        decision = world.decide()
        self._check(decision)
        for effect in world.effects(decision)[:writes]:
            effect.do()
            self.p6_a_rejected_revision_never_gets_traffic()
            self.stable_is_never_below_its_replicas()
        if writes is None:
            self.floor = world.replicas

    def _check(self, decision: Decision) -> None:
        self._deciding_twice_plans_nothing(decision)
        self._p1_fence_first(decision)
        self._p3_only_evidence_or_a_user_promotes(decision)
        self._only_its_own_doing_rejects_a_revision(decision)
        self._p2_what_all_pods_of_stable_show_rejects_nobody(decision)
        self._p11_never_above_the_weight(decision)
        self._p11_no_traffic_before_checks_pass(decision)
        status = decision.status
        if status.candidate or status.previous:
            assert decision.wake_after is not None  # P4
            assert decision.wake_after > 0
        if status.stable:
            assert decision.desired.replicas[status.stable.revision] == self.world.replicas
        for entry in status.rejected:
            assert not decision.desired.route.admits(entry.revision)

    def _deciding_twice_plans_nothing(self, decision: Decision) -> None:
        again = decide(decision.status, self.world.observe(), name=NAME, namespace=NAMESPACE)
        seen_as_before = self.world.observe().judged == self._judged(decision)
        if seen_as_before:
            assert to_json(again.status) == to_json(decision.status)
            assert again.desired == decision.desired
            assert again.wake_after == decision.wake_after
        assert again.notices == ()

    def _judged(self, decision: Decision) -> str | None:
        status = decision.status
        ref = status.candidate or (status.stable if status.previous else None)
        return ref.revision if ref else None

    def _p1_fence_first(self, decision: Decision) -> None:
        known = {entry.revision for entry in self.world.status.rejected}
        refused = {entry.revision for entry in decision.status.rejected} - known
        if refused & self.world.serving():
            assert self.world.effects(decision)[0].name.startswith("fence")

    def _p3_only_evidence_or_a_user_promotes(self, decision: Decision) -> None:
        seen, told = self.world.observe(), {notice.reason for notice in decision.notices}
        before, known = self.world.status.candidate, self.world.status.rejected
        promote_requested = seen.commands.get(Command.PROMOTE) or (
            before and before.promote_requested
        )
        plan = before.plan if before and before.stage is not Stage.PREPARING else seen.rollout
        silent = {gate.name for gate in plan.gates if gate.action is OnFail.WARN}
        said = {name: each.verdict for name, each in seen.judgements.items() if name not in silent}
        started = Reason.PROMOTION_STARTED in told and before and not promote_requested
        if started and plan.steps and plan.gates:  # without steps there is no canary, by request
            assert before.stage is Stage.CANARY
            assert set(said.values()) == {Verdict.PASS}
        new = [entry for entry in decision.status.rejected if entry not in known]
        if Reason.GATE_FAILED in {entry.reason for entry in new}:
            failed = {name for name, verdict in said.items() if verdict is Verdict.FAIL}
            assert failed - {gate.name for gate in plan.gates if gate.action is OnFail.PAUSE}
        if Reason.NO_DATA in {entry.reason for entry in new}:
            assert Verdict.UNKNOWN in said.values()
            assert plan.no_data == "Rollback"

    def _new_rejections(self, decision: Decision) -> list[Rejected]:
        known = self.world.status.rejected
        return [entry for entry in decision.status.rejected if entry not in known]

    def _only_its_own_doing_rejects_a_revision(self, decision: Decision) -> None:
        """Before traffic it had all the real time of its plan, with nothing in its way."""
        before = self.world.status.candidate
        if before is None or before.stage in {Stage.CANARY, Stage.PROMOTING}:
            return
        for entry in self._new_rejections(decision):
            if entry.reason not in OWN_DOING or entry.revision != before.revision:
                continue
            pods = self.world.pods.get(entry.revision, [])
            times = [self.elapsed - self.at_work[p.name] for p in pods if p.name in self.at_work]
            assert max(times, default=0) >= seconds(before.plan.progress_deadline), entry.message

    def _p2_what_all_pods_of_stable_show_rejects_nobody(self, decision: Decision) -> None:
        stable, candidate = self.world.status.stable, self.world.status.candidate
        if stable is None or candidate is None:
            return
        pods = [p for p in self.world.pods.get(stable.revision, []) if p.living]
        if not pods or any(p.ready or not self.world.memories[p.name].was_ready for p in pods):
            return
        reasons = {entry.reason for entry in self._new_rejections(decision)}
        assert not reasons & {Reason.CRASH_LOOP, Reason.READINESS_LOST}

    def _wait(self, seconds: float) -> None:
        self.elapsed += seconds
        self.world.wait(seconds=seconds)

    def _note_work(self) -> None:
        """Pods at work, by what the rules above did to them."""
        for pod in [pod for pods in self.world.pods.values() for pod in pods]:
            if self._is_kept(pod):
                self.at_work.pop(pod.name, None)
            else:
                self.at_work.setdefault(pod.name, self.elapsed)

    def _is_kept(self, pod: PodState) -> bool:
        model = pod.containers[0]
        pulls = model.waiting_reason in {"ImagePullBackOff", "ErrImagePull"}
        waits = pod.unscheduled or pod.disruption or pod.node_lost or pulls
        begun = model.running or model.restarts or model.waiting_reason == "CrashLoopBackOff"
        proxies = pod.containers[1:]
        return not pod.ready and bool(waits or not (begun or proxies))

    def _p11_never_above_the_weight(self, decision: Decision) -> None:
        candidate, stable = decision.status.candidate, decision.status.stable
        if candidate is None or candidate.stage is not Stage.CANARY:
            return
        if decision.desired.route.opened:
            pods = decision.desired.replicas
            canary, beside = pods[candidate.revision], pods[stable.revision]
            assert 100 * canary <= candidate.weight * (canary + beside)
        for change in candidate.weights:
            assert 100 * float(change.share) <= change.weight + 0.01

    def _p11_no_traffic_before_checks_pass(self, decision: Decision) -> None:
        """Whoever is let in for the first time answered every check of its plan well."""
        before, route = self.world.status, decision.desired.route
        served = {h.revision for h in before.history if h.outcome in {"Promoted", "Returned"}}
        served |= {ref.revision for ref in (before.stable, before.previous) if ref}
        if before.candidate and before.candidate.stage is not Stage.PREPARING:
            served.add(before.candidate.revision)
        for revision in {route.stable, route.candidate} - served - {None}:
            if not route.admits(revision):
                continue
            plan = self.world.rollout if before.candidate is None else before.candidate.plan
            if decision.status.candidate and decision.status.candidate.revision == revision:
                plan = decision.status.candidate.plan
            noted = before.candidate.checks if before.candidate else ()
            passed = {c.name for c in noted if c.verdict == "Pass"}
            inspected = self.world.observe().inspected
            if inspected and inspected.revision == revision:
                results = inspected.results
                passed |= {r.name for r in results if r.verdict is CheckVerdict.PASS}
            assert set(plan.checks) & set(self.world.rollout.checks) <= passed

    # --- what holds after everything that happens -------------------------------------------------

    @invariant()
    def work_is_noted(self) -> None:
        self._note_work()

    @invariant()
    def p6_a_rejected_revision_never_gets_traffic(self) -> None:
        refused = {entry.revision for entry in self.world.status.rejected}
        assert not refused & self.world.serving()

    @invariant()
    def stable_is_never_below_its_replicas(self) -> None:
        stable = self.world.status.stable
        assert stable is None or self.world.scale.get(stable.revision, 0) >= self.floor

    def teardown(self) -> None:
        """P4: with nothing but time passing, it ends, or says what a user can type."""
        world = self.world.copy()
        for _ in range(FROZEN_HOURS * 6):
            decision = world.reconcile()
            world.wait(minutes=10)
        decision = world.reconcile()
        if decision.status.candidate is None:
            assert decision.status.previous is None
            assert decision.wake_after is None
        else:
            message = world.condition("Ready")[2]
            assert any(words in message for words in EXITS), message
        assert not world.effects(world.decide()), world.written[-5:]


Rollouts.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestPromises = Rollouts.TestCase
