"""What has to be asked of which pod now: from the status and the ready pods. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from davylamp.adapters.pods.model_server import PodAddress
from davylamp.api.spec import CheckName
from davylamp.api.status import ModelDeploymentStatus, Stage
from davylamp.checks import Expected, expected_of
from davylamp.controller.checks.ready_pods import ReadyPod
from davylamp.manifests import recorded
from davylamp.rollout.holds.checks import unpassed
from davylamp.rollout.moves.verification import is_due
from davylamp.schema.json import JsonObject


@dataclass(frozen=True, slots=True)
class Inspection:
    """One pod, and the checks it has to pass; `since` distinguishes rollouts of one revision."""

    revision: str
    since: datetime
    checks: tuple[CheckName, ...]
    expected: Expected
    pod: PodAddress


def inspection_of(
    status: ModelDeploymentStatus,
    records: Mapping[str, JsonObject],
    pods: Iterable[ReadyPod],
) -> Inspection | None:
    """The inspection that is due; None while nothing is to be asked, or no pod is ready to answer.

    Args:
        status: the memory.
        records: of the revisions, by revision.
        pods: the model's ready pods of all revisions, in order of name.
    """
    due = _due(status)
    if due is None:
        return None
    revision, since, checks = due
    pod = next((pod.address for pod in pods if pod.revision == revision), None)
    if pod is None or revision not in records:
        return None
    expected = expected_of(recorded(records[revision], "intent"))
    return Inspection(revision, since, checks, expected, pod)


def _due(status: ModelDeploymentStatus) -> tuple[str, datetime, tuple[CheckName, ...]] | None:
    candidate, verification = status.candidate, status.verification
    if candidate and candidate.stage is Stage.PREPARING and unpassed(candidate):
        return candidate.revision, candidate.started_at, candidate.plan.checks
    if verification and candidate is None and is_due(verification):
        return verification.revision, verification.at, (CheckName.GOLDEN,)
    return None
