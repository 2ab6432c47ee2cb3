"""From a decision to its writes: everything was observed before, and nothing is asked here. Pure.

What would change nothing is left out, so that an idle pass has no writes (P9). The order of the
steps, and why it is that, is said in `controller/cluster/writes.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from davylamp.adapters.errors import OperatorError
from davylamp.api import names
from davylamp.api.child_metadata import ChildMetadata
from davylamp.api.status import ModelDeploymentStatus, OperatorClaim
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.owning.ownership import adoption_of
from davylamp.controller.cluster.stored import identity_of
from davylamp.controller.cluster.writes import (
    Adopt,
    Apply,
    Blocked,
    Claim,
    Consume,
    Delete,
    Fence,
    FillInReplicas,
    Write,
    WriteKey,
    WriteStep,
    adopt,
    apply,
    claim,
    delete,
)
from davylamp.controller.nightly.writes import NightlyPlan, NightlyState, nightly_plan
from davylamp.controller.obstacles.second_ways import Fencing
from davylamp.controller.reconcile.flight_records import flight_writes, remembered
from davylamp.controller.reconcile.passes import EVERYTHING_KEPT, Parent, Pass
from davylamp.controller.reconcile.revision_writes import RevisionWrites
from davylamp.controller.reconcile.writes import (
    FlightWrite,
    Kept,
    PlannedWrite,
    PostEvent,
    WritePlan,
    WriteStatus,
)
from davylamp.manifests import Owner, disruption, disruption_budget, event
from davylamp.rollout import Decision, Desired, Notice
from davylamp.rollout.commands.memory import answer_to, is_answered
from davylamp.rollout.report.obstruction import unobstructed
from davylamp.rollout.routing import Route, Router, objects_of_every_router, router_of
from davylamp.schema.json import JsonObject, field


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What plans are made with, whatever they are about."""

    reporter: str
    """Who posts Events."""
    operator: str
    """Version of this operator."""
    scrape_interval: float
    """Seconds between scrapes, as the gates take it."""
    children: ChildMetadata
    """What children carry by default, besides our labels."""
    release: str
    """This release, which claims what it writes a status of."""

    @property
    def claim(self) -> OperatorClaim:
        """The claim of this release."""
        return OperatorClaim(release=self.release)


def write_plan(current: Pass, decision: Decision, settings: PlanSettings) -> WritePlan:
    """All writes that carry a decision out, in their order."""
    parent, desired = current.parent, decision.desired
    traffic = _traffic(current, decision)
    fenced = tuple(_fenced(current, desired))
    claimed = tuple(_claimed(current, traffic))
    claims, candidate = _keys(claimed), decision.status.candidate
    status = _decided(current, decision, settings)
    revisions = RevisionWrites(
        current, desired, candidate, fences=fenced, claims=claims, status=status.key
    )
    grown, nightly = (*_budgets(current, desired), *revisions.grown()), _nightly(current, decision)
    writes: tuple[PlannedWrite, ...] = (
        *fenced,
        *_adopted(current, fenced),
        *claimed,
        *revisions.recorded(),
        *grown,
        *_flights(current, decision, settings),
        status,
        *_events(current, decision.notices, grown, settings.reporter),
        *_consumed(current, decision.status),
        *_admitted(current, traffic, fenced, claims),
        *revisions.shrunk(),
        *_spare_budgets(current, desired),
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


def refusal_plan(parent: Parent, now: datetime, settings: PlanSettings) -> WritePlan:
    """The plan for a spec that cannot be followed, where nothing was followed before: say so."""
    return WritePlan(parent, None, EVERYTHING_KEPT, now, (_unchanged(parent, now, settings),))


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
    route = decision.desired.route
    manifests = router.objects(current.parent.owner, route)
    return tuple(m for m in manifests if not _is_awaited(current, router, m, route))


def _is_awaited(current: Pass, router: Router, manifest: JsonObject, route: Route) -> bool:
    """Whether an object that was handed over to us serves something else until we can."""
    stored = current.children.stored
    item = stored.get(*identity_of(manifest))
    if route.stable or item is None or not stored.is_ours(manifest):
        return False
    return router.serves_others(item)


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
        if _is_awaited(current, router, manifest, route):
            continue
        admitted = {revision for revision in known if router.admits(stored, revision)}
        kept = {revision for revision in admitted if router.admits(manifest, revision)}
        if admitted != kept:
            opens = route.stable is not None and route.stable not in admitted
            yield fencing.fence(manifest, out=admitted - kept, kept=kept, opens=opens)


def _adopted(current: Pass, fenced: Iterable[Write]) -> Iterator[Adopt]:
    """All orphans but those that are fenced: a fence makes its object ours as it is written."""
    done = {(write.kind, write.name) for write in fenced}
    for orphan in current.children.orphans:
        if identity_of(orphan.item) not in done:
            yield adopt(WriteStep.RECORD, orphan)


def _claimed(current: Pass, traffic: Iterable[JsonObject]) -> Iterator[Claim]:
    """Names of Services that may be somebody else's: asked before anything is made for them."""
    for manifest in traffic:
        if not current.children.stored.is_ours(manifest):
            yield claim(WriteStep.RECORD, manifest)


def _admitted(
    current: Pass,
    traffic: Iterable[JsonObject],
    fenced: Iterable[Apply],
    claims: Iterable[WriteKey],
) -> Iterator[Apply]:
    """Services that do not yet admit what they may, unless the fence wrote them already."""
    written = {(write.kind, write.name) for write in fenced}
    for manifest in traffic:
        if identity_of(manifest) in written or current.children.stored.agrees(manifest):
            continue
        stored = current.children.stored.get(*identity_of(manifest))
        is_new = stored is None or not current.children.stored.is_ours(manifest)
        opens = is_new or field(stored, "spec", "selector") != field(manifest, "spec", "selector")
        write = apply(WriteStep.ADMIT, manifest, needs=claims if is_new else ())
        yield replace(write, opens=opens)


def _keys(writes: Iterable[Write]) -> frozenset[WriteKey]:
    return frozenset(write.key for write in writes)


# --- disruption budgets -------------------------------------------------------------------------


def _budgets(current: Pass, desired: Desired) -> Iterator[Apply]:
    """A budget for each revision that shall have pods."""
    for manifest in _wanted_budgets(current, desired):
        if not current.children.stored.agrees(manifest):
            yield apply(WriteStep.GROW, manifest)


def _spare_budgets(current: Pass, desired: Desired) -> Iterator[Delete]:
    """Budgets of revisions without pods, and the one over all revisions that operators once made.

    The API server evicts no pod that two budgets select, and stable must never be without one: so
    the old one goes as soon as all others are there.
    """
    stored, wanted = current.children.stored, list(_wanted_budgets(current, desired))
    if not all(stored.agrees(manifest) for manifest in wanted):
        return
    names_wanted = {metadata(manifest, "name") for manifest in wanted}
    for item in stored.of_kind(disruption.KIND):
        if metadata(item, "name") not in names_wanted and stored.is_ours(item):
            yield delete(WriteStep.SHRINK, item)


def _wanted_budgets(current: Pass, desired: Desired) -> Iterator[JsonObject]:
    for revision, replicas in desired.replicas.items():
        if replicas:
            yield disruption_budget(current.parent.owner, revision)


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


def _consumed(current: Pass, status: ModelDeploymentStatus) -> Iterator[Consume]:
    """Commands with an answer; what an applied manifest says stays, or it would be applied again."""
    observation = current.observation
    for command, value in observation.commands.items():
        if is_answered(status, command, value) and command not in observation.declared:
            answer, name = answer_to(status, command), current.parent.key.name
            at = answer.at if answer else None
            yield Consume(WriteStep.COMMANDS, names.KIND, name, command, value, at)


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
    )
    return nightly_plan(current.parent.owner, decision, state)
