"""Checks before traffic: what a pod answered becomes memory, and until all pass nothing opens.

A revision is checked once. What passed is kept in `status.candidate.checks`, so neither a restart of
the operator nor of the pod asks again; a revision that returns was checked when it was new.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from davylamp.api.names import Reason
from davylamp.api.spec import CheckName
from davylamp.api.status import Candidate, CheckStatus, Stage
from davylamp.checks import CheckResult
from davylamp.rollout.moves.endings import roll_back
from davylamp.rollout.situation import Situation

PATIENCE: Final = timedelta(seconds=30)
"""How long a check must have gone unanswered before the deadline may end it: pods that got ready
late, or while no operator ran, are asked more than once."""


def checks_noted(situation: Situation) -> Situation | None:
    """What the candidate's pod answered is remembered, and what nobody asks any more let go."""
    candidate = situation.status.candidate
    if candidate is None or candidate.stage is not Stage.PREPARING:
        return None
    known = {check.name: check for check in candidate.checks}
    answers = situation.seen.answers_about(candidate.revision, candidate.started_at)
    heard = {result.name.value: result for result in answers}
    noted = tuple(
        _noted(situation, known.get(name), heard.get(name))
        for name in CheckName
        if name in candidate.plan.checks and (name in known or name in heard)
    )
    ours = {name.value for name in CheckName}
    others = tuple(check for check in candidate.checks if check.name not in ours)
    changed = (*noted, *others)
    return None if changed == candidate.checks else situation.with_candidate(checks=changed)


def _noted(
    situation: Situation, known: CheckStatus | None, heard: CheckResult | None
) -> CheckStatus:
    """What stands about one check: a pass for good, else the last answer, since its verdict."""
    if known and (heard is None or known.verdict == "Pass"):
        return known
    assert heard is not None  # noqa: S101  (one of the two is there)
    if known and (known.verdict, known.message) == (heard.verdict, heard.message):
        return known
    return CheckStatus(
        name=heard.name,
        verdict=heard.verdict.value,
        reason=heard.reason,
        message=heard.message,
        at=known.at if known and known.verdict == heard.verdict else situation.seen.now,
    )


def unpassed(candidate: Candidate) -> tuple[CheckName, ...]:
    """Checks of the plan that the candidate has not passed yet."""
    passed = {check.name for check in candidate.checks if check.verdict == "Pass"}
    return tuple(name for name in CheckName if name in candidate.plan.checks and name not in passed)


def check_failed(situation: Situation) -> Situation | None:
    """A check says that this is not the model which the spec names, or that it must not serve."""
    candidate = situation.status.candidate
    failed = _of(candidate, "Fail") if candidate else []
    return roll_back(situation, Reason.CHECK_FAILED, sentence(failed)) if failed else None


def unanswered(situation: Situation, candidate: Candidate) -> Situation | None:
    """The progress deadline is over, and the pods that are ready could not be asked."""
    late = [
        check for check in _of(candidate, "Unknown") if situation.seen.now - check.at > PATIENCE
    ]
    if not late:
        return None
    within = f"not answered within {candidate.plan.progress_deadline}"
    return roll_back(situation, Reason.CHECK_FAILED, f"{within}: {sentence(late)}")


def _of(candidate: Candidate, verdict: str) -> list[CheckStatus]:
    asked = candidate.plan.checks
    return [c for c in candidate.checks if c.verdict == verdict and c.name in asked]


def sentence(checks: Iterable[CheckStatus]) -> str:
    """Checks and what they found, each finding once: without a manifest all say the same."""
    by_message: dict[str, list[str]] = {}
    for check in checks:
        by_message.setdefault(check.message, []).append(check.name)
    return "; ".join(
        f"check{'s' * (len(names) > 1)} {', '.join(names)}: {message}"
        for message, names in by_message.items()
    )
