"""What is written about an object that another release of the operator claims. Pure."""

from dataclasses import replace
from datetime import datetime

from davylamp.api.names import KIND, NO_REVISION, Reason
from davylamp.api.operator_claim import OperatorClaim
from davylamp.controller.cluster.writes import WriteStep
from davylamp.controller.reconcile.passes import EVERYTHING_KEPT, Parent
from davylamp.controller.reconcile.writes import (
    Kept,
    PlanSettings,
    PostEvent,
    WritePlan,
    WriteStatus,
)
from davylamp.manifests import event
from davylamp.rollout import Decision, Notice


def question_plan(parent: Parent, now: datetime, settings: PlanSettings) -> WritePlan:
    """Ask in the status whether the release that claims the object still lives; say nothing else."""
    untouched = replace(parent, refusal=None)
    claim = OperatorClaim(release=_claimant(parent), contender=settings.release)
    decided = dict.fromkeys(Kept, parent.status)
    name = parent.key.name
    write = WriteStatus(WriteStep.STATUS, KIND, name, untouched, decided, now, claim)
    return WritePlan(untouched, None, EVERYTHING_KEPT, now, (write,))


def watched_twice_plan(parent: Parent, now: datetime, settings: PlanSettings) -> WritePlan:
    """Say in an Event that the release that claims the object lives; write nothing else."""
    notice = Notice(
        Reason.WATCHED_TWICE,
        f"release {_claimant(parent)} of the operator looks after this ModelDeployment, so release "
        f"{settings.release} does nothing about it: narrow watchNamespaces of one of them, or "
        "uninstall it",
        NO_REVISION,
        "Warning",
    )
    manifest = event(parent.owner, notice, now=now, reporter=settings.reporter)
    write = PostEvent(WriteStep.EVENTS, "Event", notice.reason.value, notice, manifest)
    return WritePlan(parent, None, EVERYTHING_KEPT, now, (write,))


def taken_over(parent: Parent, decision: Decision, release: str) -> Decision:
    """The decision, and the notice that this release has taken the object over."""
    message = (
        f"release {_claimant(parent)} of the operator did not answer; release {release} looks after "
        "this ModelDeployment now"
    )
    notice = Notice(Reason.TAKEN_OVER, message, NO_REVISION)
    return replace(decision, notices=(notice, *decision.notices))


def _claimant(parent: Parent) -> str:
    """The release in whose charge the object is by its status."""
    return parent.status.operator.release if parent.status.operator else ""
