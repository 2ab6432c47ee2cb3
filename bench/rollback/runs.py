"""The runs themselves: bad canaries, aborts, healthy canaries, an outage of Prometheus."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bench.rollback import measures
from bench.rollback.measures import Abort, Incident
from bench.rollback.stage import NAME, RATE, Stage, stage

from lab import metrics, models, prometheus, records
from lab.kubectl import Object
from lab.watch import Watch

ROLLBACK_SECONDS: Final = 180.0
CANARY_SECONDS: Final = 120.0
OUTAGE_SECONDS: Final = 60.0
LATE_REQUESTS: Final = round(4 * RATE)
"""Requests to wait for after an end: a late answer or a lost request would be among them."""
ABORT: Final = "davylamp.dev/abort"
QUICK_STEPS: Final = ({"weight": 25, "hold": "30s"}, {"weight": 50, "hold": "30s"})


@dataclass(frozen=True)
class Healthy:
    """A canary exactly as good as stable."""

    seconds: float
    """How long it got traffic while it was watched."""
    rolled_back: bool
    promoted: bool
    canary_answers: int
    errors: int
    message: str
    """Of the rejection, else of the first gate."""


@dataclass(frozen=True)
class Outage:
    """A healthy canary while Prometheus was away."""

    steps_before: tuple[int, int]
    """Step and share when Prometheus went."""
    steps_during: frozenset[tuple[int, int]]
    """Steps and shares while it was away."""
    rolled_back: bool
    reason: str
    """The gate's reason for having no data."""
    promoted_after: float | None
    """Seconds from its return to the promotion."""
    lost: int


def bad_canary(at: Stage, error_rate: float, rollout: Mapping[str, Any] | None = None) -> Incident:
    """A canary that fails so many of its requests; with default settings unless `rollout` has others."""
    begin = len(at.traffic.records())
    revision = at.canary({"FAULT_ERROR_RATE": f"{error_rate:g}"}, rollout=rollout)
    rejection = at.wait_rejected(revision, ROLLBACK_SECONDS)
    at.traffic.wait_for(LATE_REQUESTS)
    decided = datetime.fromisoformat(rejection["at"]).timestamp()
    return measures.incident(
        at.traffic.since(begin), at.service.versions(), revision=revision, decided=decided
    )


def aborted_canary(at: Stage) -> Abort:
    """A healthy canary that a user aborts."""
    begin = len(at.traffic.records())
    revision = at.canary()
    models.wait_candidate_stage(NAME, at.namespace, "Canary", timeout=CANARY_SECONDS)
    while not records.of_revision(at.traffic.wait_for(round(RATE / 2)), revision):
        pass
    with Watch("modeldeployment", NAME, at.namespace) as watch:
        typed = time.time()
        models.annotate(NAME, at.namespace, "abort", revision)
        at.wait_rejected(revision, ROLLBACK_SECONDS)
        at.traffic.wait_for(LATE_REQUESTS)
        stored = measures.stored_at(watch.versions(), ABORT, revision)
    return measures.abort(
        at.traffic.since(begin),
        at.service.versions(),
        revision=revision,
        typed=typed,
        stored=stored,
    )


def healthy_canary(name: str, tags: Mapping[str, str], *, seconds: float) -> Healthy:
    """Both revisions fail 0.5 % of their requests; default settings."""
    config = {"FAULT_ERROR_RATE": "0.005"}
    with stage(name, tags, config) as at:
        revision = at.canary(config)
        models.wait_candidate_stage(NAME, name, "Canary", timeout=CANARY_SECONDS)
        end = time.time() + seconds
        status = at.status()
        while time.time() < end and "candidate" in status:
            at.traffic.wait_for(round(RATE))
            status = at.status()
        rolled_back = bool(status.get("rejected"))
        canary = records.of_revision(at.traffic.records(), revision)
        gates = (status.get("candidate") or {}).get("gates") or [{}]
        return Healthy(
            seconds=canary[-1].time - canary[0].time,
            rolled_back=rolled_back,
            promoted=status["stable"]["revision"] == revision,
            canary_answers=len(canary),
            errors=len(records.bad(canary)),
            message=str((status.get("rejected") or gates)[0].get("message", "")),
        )


def outage(name: str, tags: Mapping[str, str]) -> Outage:
    """A healthy canary whose steps would end while Prometheus is away."""
    with stage(name, tags) as at, Watch("modeldeployment", NAME, name) as watch:
        revision = at.canary(steps=QUICK_STEPS)
        models.wait_candidate_stage(NAME, name, "Canary", step=1, timeout=CANARY_SECONDS)
        at.traffic.wait_for(round(10 * RATE))
        with prometheus.stopped():
            began = time.time()
            before = _where(at.status())
            at.traffic.wait_for(round(OUTAGE_SECONDS * RATE), timeout=2 * OUTAGE_SECONDS)
            ended = time.time()
        reason = _no_data_reason([s.object for s in watch.versions() if s.at < ended])
        back = time.time()
        models.wait_stable(NAME, name, tags["v3"], 4 * CANARY_SECONDS)
        promoted = time.time() - back
        at.traffic.wait_for(LATE_REQUESTS)
        during = [s.object.get("status") or {} for s in watch.versions() if began <= s.at < ended]
        return Outage(
            steps_before=before,
            steps_during=frozenset(_where(status) for status in during) | {before},
            rolled_back=any(status.get("rejected") for status in during),
            reason=reason,
            promoted_after=promoted if at.status()["stable"]["revision"] == revision else None,
            lost=len(records.lost(at.traffic.records())),
        )


def leader() -> str:
    """Name of the leading operator pod; a change during the runs disturbs what they measure."""
    return metrics.leader() or "nobody"


def _where(status: Object) -> tuple[int, int]:
    candidate = status.get("candidate") or {}
    return (int(candidate.get("step", 0)), int(candidate.get("actualWeight", 0)))


def _no_data_reason(versions: list[Object]) -> str:
    """The reason of the last gate without data."""
    reasons = [
        str(gate["reason"])
        for version in versions
        for gate in ((version.get("status") or {}).get("candidate") or {}).get("gates", [])
        if gate["verdict"] == "Unknown"
    ]
    return reasons[-1] if reasons else "-"
