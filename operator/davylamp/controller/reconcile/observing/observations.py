"""What a decision looks at, from the ModelDeployment and its children. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from davylamp.api.explanations import Explanations
from davylamp.api.names import NO_REVISION
from davylamp.api.status import RevisionRef, identity
from davylamp.controller.commands.annotations import commands_in, declared_in
from davylamp.controller.obstacles.refusals import RefusedJob
from davylamp.controller.reconcile.passes import EVERYTHING_KEPT, Children, Parent, served_by
from davylamp.rollout import Observation


def observation_of(
    parent: Parent, children: Children, target: RevisionRef | None, *, now: datetime
) -> Observation:
    """What is known of an object apart from its gates, checks and Secrets."""
    spec = parent.spec
    if spec is None or target is None:
        return _without_spec(parent, children, now)
    return Observation(
        now=now,
        generation=parent.generation,
        target=target,
        rollout=spec.rollout,
        replicas=spec.replicas or _present_replicas(parent, children),
        paused=spec.paused,
        commands=commands_in(parent.manifest),
        declared=declared_in(parent.manifest),
        workloads=children.workloads,
        recorded=tuple(children.records),
        served=served_by(parent, children, spec.rollout),
        explanations=spec.explanations,
    )


def _present_replicas(parent: Parent, children: Children) -> int:
    """The number of pods where the spec says none: what there was, 1 for a new model."""
    candidate = parent.status.candidate
    workload = children.workloads.get(candidate.revision) if candidate else None
    return parent.status.replicas or (workload.desired if workload else 0) or 1


def _without_spec(parent: Parent, children: Children, now: datetime) -> Observation:
    """What is known when the spec is invalid: what runs is looked after, nothing goes forward."""
    status = parent.status
    ref = status.candidate or status.stable
    if ref is None:
        raise ValueError("nothing is known of an object that was never followed")
    plan = status.candidate.plan if status.candidate else EVERYTHING_KEPT
    serving = children.workloads.get(status.stable.revision) if status.stable else None
    return Observation(
        now=now,
        generation=parent.generation,
        target=RevisionRef(**identity(ref)),
        rollout=plan,
        replicas=serving.desired if serving and serving.desired else 1,
        paused=True,
        commands=commands_in(parent.manifest),
        declared=declared_in(parent.manifest),
        workloads=children.workloads,
        recorded=tuple(children.records),
        explanations=Explanations() if status.explanations else None,
    )


def of_the_unfollowed(parent: Parent, *, now: datetime) -> Observation:
    """What is known of an object that was never followed: what users ask of it."""
    nothing = RevisionRef(revision=NO_REVISION, tag="", feature_snapshot="", seed=0)
    return Observation(
        now=now,
        generation=parent.generation,
        target=nothing,
        rollout=EVERYTHING_KEPT,
        replicas=1,
        paused=True,
        commands=commands_in(parent.manifest),
        declared=declared_in(parent.manifest),
    )


def with_refusals(observation: Observation, jobs: Mapping[str, RefusedJob]) -> Observation:
    """The observation with why objects of the nightly job were refused, by kind."""
    cron_job, job = jobs.get("CronJob"), jobs.get("Job")
    return replace(
        observation,
        cron_job_refusal=cron_job.message if cron_job else None,
        candidate_job_refusal=job.message if job else None,
    )
