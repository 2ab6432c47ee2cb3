"""Which writes keep the nightly job as wanted: its CronJob, and the Job of a candidate. Pure.

It only watches over models, so these are the last writes of a pass, and what the API server refuses
is told in the condition instead of ending the pass.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from davylamp.api.explanations import Explanations
from davylamp.api.status import RevisionRef
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.cache import NIGHTLY_KINDS
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.stored import StoredChildren
from davylamp.controller.cluster.writes import Apply, Delete, Replace, WriteStep, apply, delete
from davylamp.controller.images.questions import is_covered
from davylamp.controller.nightly.jobs import job_state
from davylamp.controller.obstacles.refusals import RefusedJob
from davylamp.images import KeyRule
from davylamp.manifests import Owner, recorded
from davylamp.manifests.nightly import candidate_job, cron_job, training_image
from davylamp.manifests.revisions import model_image
from davylamp.rollout import Decision
from davylamp.rollout.holds.drift import attempt_of
from davylamp.schema.json import JsonObject

NightlyWrite = Apply | Replace | Delete


@dataclass(frozen=True, slots=True)
class NightlyPlan:
    """The writes, and the kinds whose earlier refusal is over unless they are refused again."""

    writes: tuple[NightlyWrite, ...] = ()
    cleared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NightlyState:
    """What the nightly job looks like now, besides the decision."""

    explanations: Explanations | None
    """`spec.explanations`."""
    records: Mapping[str, JsonObject]
    """By revision."""
    stored: StoredChildren
    refused: Mapping[str, RefusedJob]
    """By kind."""
    now: datetime
    rules: tuple[KeyRule, ...] = ()
    """Which images need a signature."""

    def may_run(self, ref: RevisionRef) -> bool:
        """Whether the job of a revision runs the model's own bytes, or an image without any rule."""
        if self.explanations is None or ref.revision not in self.records:
            return False
        record = self.records[ref.revision]
        image = training_image(ref, record, self.explanations)
        own = model_image(recorded(record, "deployment"))
        return image == own or not is_covered(image, self.rules)


def nightly_plan(owner: Owner, decision: Decision, state: NightlyState) -> NightlyPlan:
    """What a decision wants of CronJob and Jobs; a refused manifest is tried again later."""
    wanted = {str(manifest["kind"]): manifest for manifest in _wanted(owner, decision, state)}
    tried = [
        kind
        for kind in NIGHTLY_KINDS
        if not (kind in state.refused and state.refused[kind].stands(wanted.get(kind), state.now))
    ]
    kept = [_kept(wanted[kind], state.stored) for kind in tried if kind in wanted]
    writes = (*(write for write in kept if write), *_deleted(owner, decision, state))
    return NightlyPlan(writes, tuple(tried))


def _wanted(owner: Owner, decision: Decision, state: NightlyState) -> Iterable[JsonObject]:
    explanations, records = state.explanations, state.records
    if explanations is None:
        return
    stable, candidate = decision.status.stable, decision.status.candidate
    if stable and state.may_run(stable):
        yield cron_job(owner, stable, records[stable.revision], explanations)
    if candidate and decision.desired.rehearsed and state.may_run(candidate):
        record, attempt = records[candidate.revision], attempt_of(candidate)
        yield candidate_job(owner, candidate, record, explanations, rollout=attempt)


def _kept(manifest: JsonObject, stored: StoredChildren) -> Apply | Replace | None:
    """The CronJob is applied; a Job cannot be changed, so it is there or it is made anew."""
    item = stored.get(str(manifest["kind"]), metadata(manifest, "name"))
    if manifest["kind"] == "Job" and item is not None and _belongs(item, stored.uid):
        if job_state(item).attempt == job_state(manifest).attempt:
            return None
        return Replace(WriteStep.NIGHTLY, "Job", metadata(item, "name"), manifest, item)
    return None if stored.agrees(manifest) else apply(WriteStep.NIGHTLY, manifest)


def _deleted(owner: Owner, decision: Decision, state: NightlyState) -> list[Delete]:
    """The CronJob nobody asks for, and runs for candidates that are gone.

    What such a run has found stays until its time is over: somebody may want to read its log.
    """
    asked, candidate = state.explanations, decision.status.candidate
    crons = state.stored.of_kind("CronJob") if asked is None else []
    kept = candidate.revision if asked and candidate else None
    runs = [item for item in state.stored.of_kind("Job") if _runs_for_another(item, kept)]
    ours = (item for item in (*crons, *runs) if _belongs(item, owner.uid))
    return [delete(WriteStep.NIGHTLY, item) for item in ours]


def _runs_for_another(item: JsonObject, revision: str | None) -> bool:
    """Whether a Job still runs for another revision than the one to keep."""
    job = job_state(item)
    return job.ended_at is None and job.revision != revision


def _belongs(item: JsonObject, uid: str) -> bool:
    return uid in objects.owner_uids(item)
