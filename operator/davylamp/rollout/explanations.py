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
from davylamp.rollout.turn import Turn

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


def run_told(turn: Turn) -> Turn | None:
    """A run about what serves has ended; people are told when the answer is another one."""
    run, stable, known = turn.seen.last_run, turn.status.stable, turn.status.explanations
    if run is None or stable is None or run.revision != stable.revision:
        return None
    if turn.seen.explanations is None or (known and (known.job, known.at) == (run.job, run.at)):
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
    told = turn.remember(explanations=entry)
    if known and (known.revision, known.verdict) == (stable.revision, run.verdict):
        return told
    severity: Literal["Normal", "Warning"] = "Warning" if run.verdict in WARNINGS else "Normal"
    return told.saying(
        Notice(REASONS[run.verdict], f"{stable.tag}: {_found(run)}", stable.revision, severity)
    )


def explanations_unwanted(turn: Turn) -> Turn | None:
    """The spec asks for no nightly job any more: what its last run found is let go."""
    if turn.seen.explanations is not None or turn.status.explanations is None:
        return None
    return turn.remember(explanations=None)


def state_of(turn: Turn, name: str) -> State | None:
    """What the condition says about the revision that serves; None when there is none to say."""
    stable, run, said = turn.status.stable, turn.status.explanations, turn.seen.explanations
    if stable is None or said is None:
        return None
    refused = turn.seen.cron_job_refusal
    if refused:
        return State("Unknown", Reason.REFUSED, f"the nightly job cannot be made: {refused}")
    if run is None or run.revision != stable.revision:
        now = f"kubectl create job --from=cronjob/{name}-explanations {name}-explanations-now"
        when = f"{stable.tag} has not been compared yet; next at {said.schedule!r} UTC, or: {now}"
        return State("Unknown", Reason.EXPLANATIONS_UNDECIDED, when)
    value: Literal["True", "False", "Unknown"] = "Unknown"
    if run.verdict in {"Stable", "Drifted"}:
        value = "True" if run.verdict == "Stable" else "False"
    return State(value, REASONS[run.verdict], f"{run.tag}: {_found(run)} (Job {run.job})")


def is_rehearsed(turn: Turn, candidate: Candidate) -> bool:
    """Whether a candidate has to pass the job before it gets traffic.

    The first revision has nobody's traffic to be compared on, and one that a person promoted or
    that served before has been looked at already.
    """
    said = turn.seen.explanations
    return (
        said is not None
        and said.on_drift == "RejectCandidate"
        and turn.status.stable is not None
        and candidate.stage is Stage.PREPARING
        and not candidate.approved
    )


def attempt_of(candidate: Candidate) -> str:
    """Tells the attempts of one revision apart: a run belongs to the rollout it was made for."""
    return candidate.started_at.astimezone(UTC).isoformat()


def check_of(turn: Turn, candidate: Candidate) -> CheckStatus | None:
    """What the check Drift says; None where the candidate does not have to pass it now."""
    if not is_rehearsed(turn, candidate):
        return None
    run = _run_of(turn, candidate)
    if run is not None:
        return _answered(run)
    refused = turn.seen.candidate_job_refusal
    return CheckStatus(
        name=CHECK,
        verdict="Unknown",
        reason=Reason.REFUSED if refused else Reason.AWAITING_CHECKS,
        message=refused or _job_awaited(candidate),
        at=candidate.stage_at,
    )


def with_drift(turn: Turn, candidate: Candidate) -> tuple[CheckStatus, ...]:
    """The candidate's checks as the status shows them; the one that a Job answers comes last.

    An answer stays there when the candidate goes on because of it.
    """
    others = tuple(check for check in candidate.checks if check.name != CHECK)
    drift = check_of(turn, candidate)
    if drift is None and others != candidate.checks:
        run = _run_of(turn, candidate)
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


def _run_of(turn: Turn, candidate: Candidate) -> DriftResult | None:
    run = turn.seen.candidate_run
    return run if run and run.revision == candidate.revision else None


def _job_awaited(candidate: Candidate) -> str:
    return (
        "its Job has not ended: kubectl describe job,pod "
        f"--selector davylamp.dev/revision={candidate.revision}"
    )


def _found(run: ExplanationRun | DriftResult) -> str:
    return f"{_IN_WORDS[run.verdict]}: {run.message}"
