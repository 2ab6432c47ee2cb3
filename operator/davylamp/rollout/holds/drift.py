"""The check Drift: what a candidate's own run of the explanation job says, before any traffic."""

from datetime import UTC
from typing import Final, Literal

from davylamp.api.names import Reason
from davylamp.api.status import Candidate, ExplanationRun, Stage
from davylamp.api.status_parts import CheckStatus
from davylamp.rollout.drift_reports import DriftResult, DriftVerdict
from davylamp.rollout.holds.hold import Hold
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import kubectl

CHECK: Final = "Drift"
"""Name of the check in status, events and messages."""
REASONS: Final[dict[DriftVerdict, Reason]] = {
    "Stable": Reason.EXPLANATIONS_STABLE,
    "Drifted": Reason.EXPLANATIONS_DRIFTED,
    "Undecided": Reason.EXPLANATIONS_UNDECIDED,
    "Failed": Reason.EXPLANATION_JOB_FAILED,
}
_IN_WORDS: Final[dict[DriftVerdict, str]] = {
    "Stable": "explanations match those of training",
    "Drifted": "explanations drifted",
    "Undecided": "not enough evidence about explanations yet",
    "Failed": "the explanation job failed, which says nothing about the model",
}
_AS_CHECK: Final[dict[DriftVerdict, Literal["Pass", "Fail", "Unknown"]]] = {
    "Stable": "Pass",
    "Undecided": "Pass",
    "Drifted": "Fail",
    "Failed": "Unknown",
}


def explanations_awaited(situation: Situation, candidate: Candidate) -> Hold | None:
    """The job that compares the candidate's explanations has not ended, or failed."""
    check = drift_check(situation, candidate)
    if check is None or check.verdict != "Unknown":
        return None
    return Hold(Reason.AWAITING_CHECKS, f"check {check.name}: {check.message}")


def is_rehearsed(situation: Situation, candidate: Candidate) -> bool:
    """Whether a candidate has to pass the job before it gets traffic.

    For the first revision there is no traffic to be compared on, and one that a user promoted or
    that served before has been looked at already.
    """
    explanations = situation.observation.explanations
    return (
        explanations is not None
        and explanations.on_drift == "RejectCandidate"
        and situation.status.stable is not None
        and candidate.stage is Stage.PREPARING
        and not candidate.promote_requested
    )


def attempt_of(candidate: Candidate) -> str:
    """Tells the attempts of one revision apart: a run belongs to the rollout it was made for."""
    return candidate.started_at.astimezone(UTC).isoformat()


def drift_check(situation: Situation, candidate: Candidate) -> CheckStatus | None:
    """The answer of the check Drift; None where the candidate does not have to pass it now."""
    if not is_rehearsed(situation, candidate):
        return None
    run = _run_of(situation, candidate)
    if run is not None:
        return _answered(run)
    error = situation.observation.candidate_job_refusal
    return CheckStatus(
        name=CHECK,
        verdict="Unknown",
        reason=Reason.WRITE_REFUSED if error else Reason.AWAITING_CHECKS,
        message=error or _job_awaited(situation, candidate),
        at=candidate.stage_at,
    )


def with_drift(situation: Situation, candidate: Candidate) -> tuple[CheckStatus, ...]:
    """The candidate's checks as the status shows them; the one that a Job answers comes last.

    An answer stays there while the canary runs that it allowed.
    """
    others = tuple(check for check in candidate.checks if check.name != CHECK)
    drift = drift_check(situation, candidate)
    if drift is None and others != candidate.checks:
        run = _run_of(situation, candidate)
        drift = _answered(run) if run else None
    return (*others, drift) if drift else candidate.checks


def drift_sentence(run: ExplanationRun | DriftResult) -> str:
    """The result of a run, for events and messages."""
    return f"{_IN_WORDS[run.verdict]}: {run.message}"


def _answered(run: DriftResult) -> CheckStatus:
    return CheckStatus(
        name=CHECK,
        verdict=_AS_CHECK[run.verdict],
        reason=REASONS[run.verdict],
        message=f"{drift_sentence(run)} (Job {run.job})",
        at=run.at,
    )


def _run_of(situation: Situation, candidate: Candidate) -> DriftResult | None:
    run = situation.observation.candidate_run
    return run if run and run.revision == candidate.revision else None


def _job_awaited(situation: Situation, candidate: Candidate) -> str:
    describe = f"describe job,pod --selector davylamp.dev/revision={candidate.revision}"
    return f"its Job has not ended: {kubectl(describe, situation.namespace)}"
