"""From a decision to its writes: everything was observed before, and nothing is asked here. Pure.

What would change nothing is left out, so that an idle pass has no writes (P9). The order of the
steps, and why it is that, is said in `controller/cluster/writes.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from davylamp.adapters.errors import OperatorError
from davylamp.api import names
from davylamp.api.operator_claim import OperatorClaim
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.cluster.owning.ownership import adoption_of
from davylamp.controller.cluster.owning.planning import adoptions, is_awaited
from davylamp.controller.cluster.stored import identity_of
from davylamp.controller.cluster.writes import (
    Apply,
    Blocked,
    ConfirmName,
    Fence,
    FillInReplicas,
    Write,
    WriteKey,
    WriteStep,
    apply,
)
from davylamp.controller.commands.answered import answered_commands
from davylamp.controller.nightly.writes import NightlyPlan, NightlyState, nightly_plan
from davylamp.controller.obstacles.second_ways import Fencing
from davylamp.controller.reconcile.flight_records import flight_writes, remembered
from davylamp.controller.reconcile.passes import EVERYTHING_KEPT, Parent, Pass
from davylamp.controller.reconcile.revision_writes import RevisionWrites
from davylamp.controller.reconcile.writes import (
    FlightWrite,
    Kept,
    PlannedWrite,
    PlanSettings,
    PostEvent,
    WritePlan,
    WriteStatus,
)
from davylamp.manifests import Owner, event
from davylamp.rollout import Decision, Desired, Notice, Observation
from davylamp.rollout.commands.unfollowed import commands_refused
from davylamp.rollout.report.obstruction import unobstructed
from davylamp.rollout.routing import objects_of_every_router, router_of
from davylamp.rollout.situation import Situation
from davylamp.schema.json import JsonObject, field


def write_plan(current: Pass, decision: Decision, settings: PlanSettings) -> WritePlan:
    """All writes that carry a decision out, in their order."""
    parent, desired = current.parent, decision.desired
    traffic = _traffic(current, decision)
    fenced = tuple(_fenced(current, desired))
    names_needed = tuple(_names(current, traffic))
    confirmed, candidate = _keys(names_needed), decision.status.candidate
    status = _decided(current, decision, settings)
    revisions = RevisionWrites(
        current, desired, candidate, fences=fenced, confirmed=confirmed, status=status.key
    )
    grown, nightly = tuple(revisions.grown()), _nightly(current, decision)
    writes: tuple[PlannedWrite, ...] = (
        *fenced,
        *adoptions(current.children.orphans, fenced),
        *names_needed,
        *revisions.recorded(),
        *grown,
        *_flights(current, decision, settings),
        status,
        *_events(current, decision.notices, grown, settings.reporter),
        *answered_commands(parent.key, current.observation, decision.status),
        *_admitted(current, traffic, fenced, confirmed),
        *revisions.shrunk(),
        *_replicas(parent, current.observation.replicas),
        *nightly.writes,
    )
    return WritePlan(
        parent,
        current.children,
        current.observation.rollout,
        current.observation.now,
        writes,
        refused_jobs=current.refused_jobs,
        cleared=nightly.cleared,
    )


def refusal_plan(parent: Parent, observation: Observation, settings: PlanSettings) -> WritePlan:
    """The plan for a spec that cannot be followed, where nothing was followed before: say so."""
    key, now = parent.key, observation.now
    situation = Situation(
        unobstructed(parent.status), observation, name=key.name, namespace=key.namespace
    )
    why = parent.refusal.message if parent.refusal else ""
    situation = commands_refused(situation, why)
    writes: tuple[PlannedWrite, ...] = (
        _status(parent, dict.fromkeys(Kept, situation.status), now, settings.claim),
        *(_event(parent.owner, n, now, settings.reporter) for n in situation.notices),
        *answered_commands(key, observation, situation.status),
    )
    return WritePlan(parent, None, EVERYTHING_KEPT, now, writes)


def unobserved_plan(
    parent: Parent, error: OperatorError, now: datetime, settings: PlanSettings
) -> WritePlan:
    """The plan where it cannot be known what exists: nothing is decided, and why is told."""
    blocked = Blocked(WriteStep.RECORD, "", "", error)
    writes = (blocked, _unchanged(parent, now, settings))
    return WritePlan(parent, None, EVERYTHING_KEPT, now, writes, is_whole=False)


def _unchanged(parent: Parent, now: datetime, settings: PlanSettings) -> WriteStatus:
    """The status as it is stored, without what an earlier pass said of refused writes."""
    decided = dict.fromkeys(Kept, unobstructed(parent.status))
    return _status(parent, decided, now, settings.claim)


# --- traffic ------------------------------------------------------------------------------------


def _traffic(current: Pass, decision: Decision) -> tuple[JsonObject, ...]:
    """The objects that put the route into effect, by the router that is in charge of it."""
    candidate = decision.status.candidate
    router = router_of(candidate.plan if candidate else current.observation.rollout)
    route, stored = decision.desired.route, current.children.stored
    manifests = router.objects(current.parent.owner, route)
    return tuple(m for m in manifests if not is_awaited(stored, router, m, route))


def _fenced(current: Pass, wanted: Desired) -> Iterator[Fence]:
    """Objects of any router that let in a revision that they must not, made to shut it out."""
    children, route = current.children, wanted.route
    known = {*children.workloads, *children.records, names.NO_REVISION}
    known |= {revision for revision in (route.stable, route.candidate) if revision}
    owner, workloads = current.parent.owner, children.workloads
    fencing = Fencing(
        owner, children.records, workloads, children.pods, children.stored, wanted.replicas
    )
    for router, manifest in objects_of_every_router(owner, route):
        stored = children.stored.get(*identity_of(manifest))
        if stored is None or not children.stored.is_ours(manifest):
            continue
        if is_awaited(children.stored, router, manifest, route):
            continue
        admitted = {revision for revision in known if router.admits(stored, revision)}
        kept = {revision for revision in admitted if router.admits(manifest, revision)}
        if admitted != kept:
            opens = route.stable is not None and route.stable not in admitted
            yield fencing.fence(manifest, out=admitted - kept, kept=kept, opens=opens)


def _names(current: Pass, traffic: Iterable[JsonObject]) -> Iterator[ConfirmName]:
    """Names of Services that may be somebody else's: asked before anything is made for them."""
    for manifest in traffic:
        if not current.children.stored.is_ours(manifest):
            yield ConfirmName(WriteStep.RECORD, *identity_of(manifest), manifest)


def _admitted(
    current: Pass,
    traffic: Iterable[JsonObject],
    fenced: Iterable[Apply],
    confirmed: Iterable[WriteKey],
) -> Iterator[Apply]:
    """Services that do not yet admit what they may, unless the fence wrote them already."""
    written = {(write.kind, write.name) for write in fenced}
    for manifest in traffic:
        if identity_of(manifest) in written or current.children.stored.agrees(manifest):
            continue
        stored = current.children.stored.get(*identity_of(manifest))
        is_new = stored is None or not current.children.stored.is_ours(manifest)
        opens = is_new or field(stored, "spec", "selector") != field(manifest, "spec", "selector")
        write = apply(WriteStep.ADMIT, manifest, needs=confirmed if is_new else ())
        yield replace(write, opens=opens)


def _keys(writes: Iterable[Write]) -> frozenset[WriteKey]:
    return frozenset(write.key for write in writes)


def _replicas(parent: Parent, replicas: int) -> Iterator[FillInReplicas]:
    if parent.spec is not None and parent.spec.replicas is None:
        yield FillInReplicas(WriteStep.REPLICAS, names.KIND, parent.key.name, replicas)


def _flights(current: Pass, decision: Decision, settings: PlanSettings) -> tuple[FlightWrite, ...]:
    return flight_writes(
        current, decision, operator=settings.operator, scrape_interval=settings.scrape_interval
    )


# --- what is told -------------------------------------------------------------------------------


def _decided(current: Pass, decision: Decision, settings: PlanSettings) -> WriteStatus:
    now, rollouts = current.observation.now, current.rollouts
    return _status(current.parent, remembered(current, decision), now, settings.claim, rollouts)


def _status(
    parent: Parent,
    decided: Mapping[Kept, ModelDeploymentStatus],
    now: datetime,
    claim: OperatorClaim,
    rollouts: int = 0,
) -> WriteStatus:
    name = parent.key.name
    return WriteStatus(WriteStep.STATUS, names.KIND, name, parent, decided, now, claim, rollouts)


def _events(
    current: Pass, notices: Iterable[Notice], grown: Iterable[Apply], reporter: str
) -> Iterator[PostEvent]:
    """One Event for each notice; what was adopted or restored is told only if it was."""
    owner, now, orphans = current.parent.owner, current.observation.now, current.children.orphans
    if orphans:
        notice = adoption_of(orphans, current.observation.target.revision)
        event = _event(owner, notice, now, reporter)
        yield replace(event, if_changed=identity_of(orphans[0].item))
    for notice in notices:
        yield _event(owner, notice, now, reporter)
    for write in grown:
        if write.restores:
            event = _event(owner, write.restores, now, reporter)
            yield replace(event, if_changed=(write.kind, write.name))


def _event(owner: Owner, notice: Notice, now: datetime, reporter: str) -> PostEvent:
    manifest = event(owner, notice, now=now, reporter=reporter)
    return PostEvent(WriteStep.EVENTS, "Event", notice.reason.value, notice, manifest)


# --- the nightly job ----------------------------------------------------------------------------


def _nightly(current: Pass, decision: Decision) -> NightlyPlan:
    """Left as it is while the spec cannot be read."""
    spec = current.parent.spec
    if spec is None:
        return NightlyPlan()
    state = NightlyState(
        explanations=spec.explanations,
        records=current.children.records,
        stored=current.children.stored,
        refused=current.refused_jobs,
        now=current.observation.now,
        rules=current.rules,
    )
    return nightly_plan(current.parent.owner, decision, state)
