"""What the runs of the nightly job found: each ended Job is read once, by the pod that is left of it."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.api.status import Candidate, ModelDeploymentStatus
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.cache import Key, ObjectCache, key_of
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.logs import about
from davylamp.controller.nightly.jobs import JOB_NAME, JobState, job_end, job_state
from davylamp.manifests import Owner
from davylamp.manifests.nightly import candidate_job_name
from davylamp.rollout import Observation
from davylamp.rollout.drift_reports import DriftResult, result_of
from davylamp.rollout.holds.drift import attempt_of
from davylamp.schema.json import JsonObject

READ_AGAIN: Final = 30.0
"""Seconds after which a run that could not be read is asked for again."""
_log = logging.getLogger(__name__)


class Nightly:
    """The runs of one ModelDeployment at a time.

    Args:
        cluster: is asked for the pods of ended Jobs.
        cache: has the Jobs.
    """

    def __init__(self, cluster: Cluster, cache: ObjectCache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._results: dict[Key, dict[str, DriftResult]] = {}
        """By the Job's uid: a Job is read once."""
        self._unread: set[Key] = set()

    def wake_after(self, key: Key) -> float | None:
        """Seconds until a run that could not be read is asked for again; None where all were."""
        return READ_AGAIN if key in self._unread else None

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._results.pop(key, None)
        self._unread.discard(key)

    async def look(
        self, owner: Owner, observation: Observation, status: ModelDeploymentStatus
    ) -> Observation:
        """The observation with the runs that ended since; only about those the cluster is asked."""
        key = key_of(owner)
        jobs = [job_state(item) for item in self._jobs(owner)]
        results = self._results.setdefault(key, {})
        for uid in results.keys() - {job.uid for job in jobs}:
            del results[uid]
        self._unread.discard(key)
        return replace(
            observation,
            last_run=await self._read(owner, _newest_of_stable(jobs, status)),
            candidate_run=await self._read(owner, _of_candidate(owner, jobs, status.candidate)),
        )

    async def _read(self, owner: Owner, job: JobState | None) -> DriftResult | None:
        if job is None or job.ended_at is None:
            return None
        key = key_of(owner)
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
        key = key_of(owner)
        crons = self._cache.children(key, "CronJob")
        ours = {owner.uid} | {metadata(c, "uid") for c in crons if _belongs(c, {owner.uid})}
        return [item for item in self._cache.children(key, "Job") if _belongs(item, ours)]


def _newest_of_stable(jobs: Iterable[JobState], status: ModelDeploymentStatus) -> JobState | None:
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
    at, name, newest = max(ended, key=lambda run: run[:2])
    is_known = known and known.revision == stable.revision and (at, name) <= (known.at, known.job)
    return None if is_known else newest


def _of_candidate(
    owner: Owner, jobs: Collection[JobState], candidate: Candidate | None
) -> JobState | None:
    """The Job that was made for this attempt of the candidate."""
    if candidate is None or not jobs:
        return None
    name, attempt = candidate_job_name(owner, candidate.revision), attempt_of(candidate)
    return next((job for job in jobs if (job.name, job.attempt) == (name, attempt)), None)


def _belongs(item: JsonObject, owners: set[str]) -> bool:
    return bool(objects.owner_uids(item) & owners)
