"""Moves about explanations: runs of the nightly job are noted, a drifted candidate is rolled back.

Drift of what serves rolls nothing back: the traffic changed, or the model did, and only a user
can tell which. A candidate that drifts has no traffic yet, so keeping it out costs nothing.
"""

from typing import Final, Literal

from davylamp.api.names import Reason
from davylamp.api.status import Candidate, ExplanationRun, RevisionRef, identity
from davylamp.rollout.drift_reports import DriftResult
from davylamp.rollout.holds.drift import REASONS, drift_check, drift_sentence
from davylamp.rollout.moves.endings import roll_back
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import named

WARNINGS: Final = frozenset({"Drifted", "Failed"})


def run_noted(situation: Situation) -> Situation | None:
    """A run about what serves has ended; a notice is due when its verdict is a new one."""
    run, stable = situation.observation.last_run, situation.status.stable
    known = situation.status.explanations
    if run is None or stable is None or run.revision != stable.revision:
        return None
    if situation.observation.explanations is None:
        return None
    if known and (known.job, known.at) == (run.job, run.at):
        return None
    noted = situation.remember(explanations=_entry(stable, run))
    if known and (known.revision, known.verdict) == (stable.revision, run.verdict):
        return noted
    severity: Literal["Normal", "Warning"] = "Warning" if run.verdict in WARNINGS else "Normal"
    message = f"{named(stable, situation.status.candidate)}: {drift_sentence(run)}"
    return noted.with_notice(Notice(REASONS[run.verdict], message, stable.revision, severity))


def _entry(stable: RevisionRef, run: DriftResult) -> ExplanationRun:
    return ExplanationRun(
        **identity(stable),
        job=run.job,
        verdict=run.verdict,
        distance=run.distance,
        limit=run.limit,
        message=run.message,
        at=run.at,
    )


def explanations_unwanted(situation: Situation) -> Situation | None:
    """The spec no longer asks for the nightly job: the result of its last run is dropped."""
    wanted = situation.observation.explanations is not None
    if wanted or situation.status.explanations is None:
        return None
    return situation.remember(explanations=None)


def drift_failed(situation: Situation) -> Situation | None:
    """The candidate's explanations of recent traffic are not those of its training."""
    candidate = situation.status.candidate
    check = drift_check(situation, candidate) if candidate else None
    if check is None or check.verdict != "Fail":
        return None
    return roll_back(situation, Reason.CHECK_FAILED, f"check {check.name}: {check.message}")


def drift_unanswered(situation: Situation, candidate: Candidate) -> Situation | None:
    """The progress deadline is over, and the job about the explanations gave no answer."""
    check = drift_check(situation, candidate)
    if check is None or check.verdict != "Unknown":
        return None
    within = f"not passed within {candidate.plan.progress_deadline}"
    message = f"check {check.name}: {within}: {check.message}"
    return roll_back(situation, Reason.CHECK_FAILED, message)
