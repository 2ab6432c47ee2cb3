"""Moves about checks: what a pod answered becomes memory, and a failed check rolls back.

A revision is checked once. What passed is kept in `status.candidate.checks`, so neither a restart of
the operator nor of the pod asks again; a revision that returns was checked when it was new.
"""

from datetime import timedelta
from typing import Final

from davylamp.api.names import Reason
from davylamp.api.spec import CheckName
from davylamp.api.status import Candidate, Stage
from davylamp.api.status_parts import CheckStatus
from davylamp.checks import CheckResult
from davylamp.rollout.holds.checks import sentence
from davylamp.rollout.moves.endings import roll_back
from davylamp.rollout.situation import Situation

PATIENCE: Final = timedelta(seconds=30)
"""How long a check must have gone unanswered before the deadline may end it: pods that got ready
late, or while no operator ran, are asked more than once."""


def checks_noted(situation: Situation) -> Situation | None:
    """Answers of the candidate's pod are remembered; those to checks no longer wanted are dropped."""
    candidate = situation.status.candidate
    if candidate is None or candidate.stage is not Stage.PREPARING:
        return None
    known = {check.name: check for check in candidate.checks}
    results = situation.observation.answers_about(candidate.revision, candidate.started_at)
    answers = {result.name.value: result for result in results}
    noted = tuple(
        _noted(situation, known.get(name), answers.get(name))
        for name in CheckName
        if name in candidate.plan.checks and (name in known or name in answers)
    )
    ours = {name.value for name in CheckName}
    others = tuple(check for check in candidate.checks if check.name not in ours)
    changed = (*noted, *others)
    return None if changed == candidate.checks else situation.with_candidate(checks=changed)


def _noted(
    situation: Situation, known: CheckStatus | None, answer: CheckResult | None
) -> CheckStatus:
    """The status of one check: a pass for good, else the last answer, since its verdict."""
    if known and (answer is None or known.verdict == "Pass"):
        return known
    assert answer is not None  # noqa: S101  (one of the two is there)
    if known and (known.verdict, known.message) == (answer.verdict, answer.message):
        return known
    same = known is not None and known.verdict == answer.verdict
    return CheckStatus(
        name=answer.name,
        verdict=answer.verdict.value,
        reason=answer.reason,
        message=answer.message,
        at=known.at if known and same else situation.observation.now,
    )


def check_failed(situation: Situation) -> Situation | None:
    """A check says that this is not the model which the spec names, or that it must not serve."""
    candidate = situation.status.candidate
    failed = _with_verdict(candidate, "Fail") if candidate else []
    return roll_back(situation, Reason.CHECK_FAILED, sentence(failed)) if failed else None


def check_unanswered(situation: Situation, candidate: Candidate) -> Situation | None:
    """The progress deadline is over, and the pods that are ready could not be asked."""
    now = situation.observation.now
    unknown = _with_verdict(candidate, "Unknown")
    late = [check for check in unknown if now - check.at > PATIENCE]
    if not late:
        return None
    within = f"not answered within {candidate.plan.progress_deadline}"
    return roll_back(situation, Reason.CHECK_FAILED, f"{within}: {sentence(late)}")


def _with_verdict(candidate: Candidate, verdict: str) -> list[CheckStatus]:
    wanted = candidate.plan.checks
    return [c for c in candidate.checks if c.verdict == verdict and c.name in wanted]
