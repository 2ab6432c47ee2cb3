"""The nightly job in the cluster: its CronJob and Jobs are kept as wanted, ended runs are read.

It only watches over models, so nothing here may hold up a rollout or a rollback: it comes last in a
pass, and what the API server refuses is told in the condition instead of being raised.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from davylamp.adapters.errors import Forbidden, OperatorError, Terminal
from davylamp.adapters.kubernetes.cluster import Cluster
from davylamp.api.explanations import Explanations
from davylamp.api.status import Candidate, ModelDeploymentStatus
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.cache import NIGHTLY_KINDS, Key, ObjectCache, metadata
from davylamp.controller.logs import about
from davylamp.controller.nightly.jobs import JOB_NAME, JobSeen, job_end, job_seen
from davylamp.manifests import Owner
from davylamp.manifests.nightly import candidate_job, candidate_job_name, cron_job
from davylamp.rollout import Decision, Observation
from davylamp.rollout.drift_reports import DriftResult, result_of
from davylamp.rollout.holds.drift import attempt_of
from davylamp.schema.json import JsonObject

REFUSED_AGAIN: Final = timedelta(minutes=5)
"""After which the same write is tried again."""
READ_AGAIN: Final = 30.0
"""Seconds after which a run that could not be read is asked for again."""
TOLD_SOON: Final = 0.1
"""Seconds until the pass that tells what was refused in this one."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Refusal:
    manifest: JsonObject
    message: str
    at: datetime


class Nightly:
    """The jobs of one ModelDeployment at a time."""

    def __init__(self, cluster: Cluster, cache: ObjectCache, applier: Applier) -> None:
        self._cluster = cluster
        self._cache = cache
        self._applier = applier
        self._refusals: dict[tuple[Key, str], _Refusal] = {}
        """By kind: the CronJob, and the candidate's Job."""
        self._results: dict[Key, dict[str, DriftResult]] = {}
        """By the Job's uid: a Job is read once."""
        self._unread: set[Key] = set()

    def wake_after(self, key: Key, seen: Observation) -> float | None:
        """Seconds until there is something to do or to tell that no watch will tell of."""
        told = {"CronJob": seen.cron_job_refusal, "Job": seen.candidate_job_refusal}
        if any(self._refusal(key, kind) != message for kind, message in told.items()):
            return TOLD_SOON
        return READ_AGAIN if key in self._unread else None

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        for kind in NIGHTLY_KINDS:
            self._refusals.pop((key, kind), None)
        self._results.pop(key, None)
        self._unread.discard(key)
        self._applier.forget(key)

    def _refusal(self, key: Key, kind: str) -> str | None:
        found = self._refusals.get((key, kind))
        return found.message if found else None

    # --- what runs have found -------------------------------------------------------------------

    async def look(
        self, owner: Owner, seen: Observation, status: ModelDeploymentStatus
    ) -> Observation:
        """The observation with the runs that ended since; only about those the cluster is asked."""
        key = Key(owner.namespace, owner.name)
        jobs = [job_seen(item) for item in self._jobs(owner)]
        results = self._results.setdefault(key, {})
        for uid in results.keys() - {job.uid for job in jobs}:
            del results[uid]
        self._unread.discard(key)
        return replace(
            seen,
            cron_job_refusal=self._refusal(key, "CronJob"),
            candidate_job_refusal=self._refusal(key, "Job"),
            last_run=await self._read(owner, _newest_of_stable(jobs, status)),
            candidate_run=await self._read(owner, _of_candidate(owner, jobs, status.candidate)),
        )

    async def _read(self, owner: Owner, job: JobSeen | None) -> DriftResult | None:
        if job is None or job.ended_at is None:
            return None
        key = Key(owner.namespace, owner.name)
        known = self._results[key]
        if job.uid not in known:
            try:
                pods = await self._cluster.list("Pod", key.namespace, labels={JOB_NAME: job.name})
            except OperatorError as error:
                about(_log, **owner.fields()).warning("Job %s is not read: %s", job.name, error)
                self._unread.add(key)
                return None
            known[job.uid] = result_of(job_end(job, job.ended_at, pods))
        return known[job.uid]

    def _jobs(self, owner: Owner) -> list[JsonObject]:
        """Jobs of ours: of the CronJob, by hand from the CronJob, or of a candidate."""
        key = Key(owner.namespace, owner.name)
        crons = self._cache.children(key, "CronJob")
        ours = {owner.uid} | {metadata(each, "uid") for each in crons if _is_of(each, {owner.uid})}
        return [item for item in self._cache.children(key, "Job") if _is_of(item, ours)]

    # --- what is wanted -------------------------------------------------------------------------

    async def keep(
        self,
        owner: Owner,
        decision: Decision,
        *,
        said: Explanations | None,
        records: Mapping[str, JsonObject],
        now: datetime,
    ) -> None:
        """Write and delete what the decision wants of CronJob and Jobs.

        Args:
            owner: the ModelDeployment.
            decision: what was decided about it.
            said: `spec.explanations`.
            records: by revision.
            now: the time.

        Raises:
            OperatorError: what goes away by itself; what does not is kept as the refusal.
        """
        key = Key(owner.namespace, owner.name)
        wanted = {str(each["kind"]): each for each in _wanted(owner, decision, said, records)}
        for kind in NIGHTLY_KINDS:
            manifest, refused = wanted.get(kind), self._refusals.get((key, kind))
            if refused and refused.manifest == manifest and now - refused.at < REFUSED_AGAIN:
                continue
            self._refusals.pop((key, kind), None)
            if manifest is None:
                continue
            try:
                await self._ensure(owner, manifest)
            except (Terminal, Forbidden) as error:
                about(_log, **owner.fields()).warning("nightly job: %s", error)
                self._refusals[key, kind] = _Refusal(manifest, str(error), now)
        await self._remove_unwanted(owner, said, decision.status.candidate)

    async def _ensure(self, owner: Owner, manifest: JsonObject) -> None:
        """Apply the CronJob; a Job cannot be changed, so it is there or it is made anew."""
        if manifest["kind"] == "Job":
            found = self._cache.child(
                Key(owner.namespace, owner.name), "Job", metadata(manifest, "name")
            )
            if found is not None and _is_of(found, {owner.uid}):
                if job_seen(found).attempt == job_seen(manifest).attempt:
                    return
                await self._applier.remove(owner, found)
        await self._applier.ensure(owner, manifest)

    async def _remove_unwanted(
        self, owner: Owner, said: Explanations | None, candidate: Candidate | None
    ) -> None:
        """Delete the CronJob nobody asks for, and runs for candidates that are gone.

        What such a run has found stays until its time is over: somebody may want to read its log.
        """
        key = Key(owner.namespace, owner.name)
        crons = self._cache.children(key, "CronJob") if said is None else []
        kept = candidate.revision if said and candidate else None
        runs = [item for item in self._cache.children(key, "Job") if _is_running(item, kept)]
        for item in (*crons, *runs):
            if not _is_of(item, {owner.uid}):
                continue
            try:
                await self._applier.remove(owner, item)
            except Forbidden as error:
                about(_log, **owner.fields()).warning("nightly job: %s", error)


def _wanted(
    owner: Owner,
    decision: Decision,
    said: Explanations | None,
    records: Mapping[str, JsonObject],
) -> Iterable[JsonObject]:
    if said is None:
        return
    stable, candidate = decision.status.stable, decision.status.candidate
    if stable and stable.revision in records:
        yield cron_job(owner, stable, records[stable.revision], said)
    if candidate and decision.desired.rehearsed and candidate.revision in records:
        made = records[candidate.revision]
        yield candidate_job(owner, candidate, made, said, rollout=attempt_of(candidate))


def _newest_of_stable(jobs: Iterable[JobSeen], status: ModelDeploymentStatus) -> JobSeen | None:
    """The newest ended run about what serves, unless the status tells of it, or of a newer one."""
    stable, known = status.stable, status.explanations
    if stable is None:
        return None
    ended = [
        (job.ended_at, job.name, job)
        for job in jobs
        if job.revision == stable.revision and job.ended_at
    ]
    if not ended:
        return None
    at, name, newest = max(ended, key=lambda each: each[:2])
    is_known = known and known.revision == stable.revision and (at, name) <= (known.at, known.job)
    return None if is_known else newest


def _of_candidate(
    owner: Owner, jobs: Iterable[JobSeen], candidate: Candidate | None
) -> JobSeen | None:
    """The Job that was made for this rollout of the candidate."""
    if candidate is None:
        return None
    name, attempt = candidate_job_name(owner, candidate.revision), attempt_of(candidate)
    return next((job for job in jobs if (job.name, job.attempt) == (name, attempt)), None)


def _is_running(item: JsonObject, kept: str | None) -> bool:
    """Whether a Job still runs for another revision than the one to keep."""
    job = job_seen(item)
    return job.ended_at is None and job.revision != kept


def _is_of(item: JsonObject, owners: set[str]) -> bool:
    return bool(objects.owner_uids(item) & owners)
