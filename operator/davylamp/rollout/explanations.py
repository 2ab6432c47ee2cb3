"""What the nightly job means for a model: what is told of its runs, and the check of a candidate.

Drift of what serves takes nothing back: the traffic changed, or the model did, and only a person
can say which. A candidate that drifts has no traffic yet, so keeping it out costs nothing.
"""

from datetime import UTC
from typing import Final, Literal, NamedTuple

from davylamp.api.names import Reason
from davylamp.api.status import Candidate, CheckStatus, ExplanationRun, Stage, identity
from davylamp.rollout.drift_reports import DriftResult, Found
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation

CHECK: Final = "Drift"
"""Name of the check in status, events and messages."""
REASONS: Final[dict[Found, Reason]] = {
    "Stable": Reason.EXPLANATIONS_STABLE,
    "Drifted": Reason.EXPLANATIONS_DRIFTED,
    "Undecided": Reason.EXPLANATIONS_UNDECIDED,
    "Failed": Reason.EXPLANATION_JOB_FAILED,
}
WARNINGS: Final = frozenset({"Drifted", "Failed"})
_IN_WORDS: Final[dict[Found, str]] = {
    "Stable": "explanations are those of training",
    "Drifted": "explanations drifted",
    "Undecided": "not enough evidence about explanations yet",
    "Failed": "the explanation job failed, which says nothing about the model",
}


class State(NamedTuple):
    """What the condition ExplanationsStable says."""

    value: Literal["True", "False", "Unknown"]
    reason: Reason
    message: str


def run_told(situation: Situation) -> Situation | None:
    """A run about what serves has ended; people are told when the answer is another one."""
    run, stable, known = (
        situation.seen.last_run,
        situation.status.stable,
        situation.status.explanations,
    )
    if run is None or stable is None or run.revision != stable.revision:
        return None
    if situation.seen.explanations is None or (
        known and (known.job, known.at) == (run.job, run.at)
    ):
        return None
    entry = ExplanationRun(
        **identity(stable),
        job=run.job,
        verdict=run.verdict,
        distance=run.distance,
        limit=run.limit,
        message=run.message,
        at=run.at,
    )
    told = situation.remember(explanations=entry)
    if known and (known.revision, known.verdict) == (stable.revision, run.verdict):
        return told
    severity: Literal["Normal", "Warning"] = "Warning" if run.verdict in WARNINGS else "Normal"
    return told.saying(
        Notice(REASONS[run.verdict], f"{stable.tag}: {_found(run)}", stable.revision, severity)
    )


def explanations_unwanted(situation: Situation) -> Situation | None:
    """The spec asks for no nightly job any more: what its last run found is let go."""
    if situation.seen.explanations is not None or situation.status.explanations is None:
        return None
    return situation.remember(explanations=None)


def state_of(situation: Situation, name: str) -> State | None:
    """What the condition says about the revision that serves; None when there is none to say."""
    stable, run, said = (
        situation.status.stable,
        situation.status.explanations,
        situation.seen.explanations,
    )
    if stable is None or said is None:
        return None
    refused = situation.seen.cron_job_refusal
    if refused:
        return State("Unknown", Reason.WRITE_REFUSED, f"the nightly job cannot be made: {refused}")
    if run is None or run.revision != stable.revision:
        now = f"kubectl create job --from=cronjob/{name}-explanations {name}-explanations-now"
        when = f"{stable.tag} has not been compared yet; next at {said.schedule!r} UTC, or: {now}"
        return State("Unknown", Reason.EXPLANATIONS_UNDECIDED, when)
    value: Literal["True", "False", "Unknown"] = "Unknown"
    if run.verdict in {"Stable", "Drifted"}:
        value = "True" if run.verdict == "Stable" else "False"
    return State(value, REASONS[run.verdict], f"{run.tag}: {_found(run)} (Job {run.job})")


def is_rehearsed(situation: Situation, candidate: Candidate) -> bool:
    """Whether a candidate has to pass the job before it gets traffic.

    The first revision has nobody's traffic to be compared on, and one that a person promoted or
    that served before has been looked at already.
    """
    said = situation.seen.explanations
    return (
        said is not None
        and said.on_drift == "RejectCandidate"
        and situation.status.stable is not None
        and candidate.stage is Stage.PREPARING
        and not candidate.promote_requested
    )


def attempt_of(candidate: Candidate) -> str:
    """Tells the attempts of one revision apart: a run belongs to the rollout it was made for."""
    return candidate.started_at.astimezone(UTC).isoformat()


def check_of(situation: Situation, candidate: Candidate) -> CheckStatus | None:
    """What the check Drift says; None where the candidate does not have to pass it now."""
    if not is_rehearsed(situation, candidate):
        return None
    run = _run_of(situation, candidate)
    if run is not None:
        return _answered(run)
    refused = situation.seen.candidate_job_refusal
    return CheckStatus(
        name=CHECK,
        verdict="Unknown",
        reason=Reason.WRITE_REFUSED if refused else Reason.AWAITING_CHECKS,
        message=refused or _job_awaited(candidate),
        at=candidate.stage_at,
    )


def with_drift(situation: Situation, candidate: Candidate) -> tuple[CheckStatus, ...]:
    """The candidate's checks as the status shows them; the one that a Job answers comes last.

    An answer stays there when the candidate goes on because of it.
    """
    others = tuple(check for check in candidate.checks if check.name != CHECK)
    drift = check_of(situation, candidate)
    if drift is None and others != candidate.checks:
        run = _run_of(situation, candidate)
        drift = _answered(run) if run else None
    return (*others, drift) if drift else candidate.checks


def _answered(run: DriftResult) -> CheckStatus:
    verdicts: dict[Found, Literal["Pass", "Fail", "Unknown"]]
    verdicts = {"Stable": "Pass", "Undecided": "Pass", "Drifted": "Fail", "Failed": "Unknown"}
    return CheckStatus(
        name=CHECK,
        verdict=verdicts[run.verdict],
        reason=REASONS[run.verdict],
        message=f"{_found(run)} (Job {run.job})",
        at=run.at,
    )


def _run_of(situation: Situation, candidate: Candidate) -> DriftResult | None:
    run = situation.seen.candidate_run
    return run if run and run.revision == candidate.revision else None


def _job_awaited(candidate: Candidate) -> str:
    return (
        "its Job has not ended: kubectl describe job,pod "
        f"--selector davylamp.dev/revision={candidate.revision}"
    )


def _found(run: ExplanationRun | DriftResult) -> str:
    return f"{_IN_WORDS[run.verdict]}: {run.message}"
