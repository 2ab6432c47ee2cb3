"""Holds about checks: no traffic before every check of the plan has passed."""

from collections.abc import Iterable

from davylamp.api.names import Command, Reason
from davylamp.api.spec import CheckName
from davylamp.api.status import Candidate
from davylamp.api.status_parts import CheckStatus
from davylamp.rollout.holds.hold import Hold, how_to
from davylamp.rollout.situation import Situation


def unpassed(candidate: Candidate) -> tuple[CheckName, ...]:
    """Checks of the plan that the candidate has not passed yet."""
    passed = {check.name for check in candidate.checks if check.verdict == "Pass"}
    return tuple(name for name in CheckName if name in candidate.plan.checks and name not in passed)


def checks_pending(situation: Situation, candidate: Candidate) -> Hold | None:
    """A check of the plan has not passed yet."""
    missing = unpassed(candidate)
    if not missing:
        return None
    answered = [check for check in candidate.checks if check.name in missing]
    why = sentence(answered) if answered else f"{', '.join(missing)}: no pod has answered yet"
    return Hold(
        Reason.AWAITING_CHECKS,
        f"waiting for checks before sending traffic: {why}; to stop the rollout: "
        f"{how_to(Command.ABORT, situation, candidate)}",
    )


def sentence(checks: Iterable[CheckStatus]) -> str:
    """Checks and their results, equal results once: without a manifest all have the same."""
    by_message: dict[str, list[str]] = {}
    for check in checks:
        by_message.setdefault(check.message, []).append(check.name)
    return "; ".join(
        f"check{'s' * (len(names) > 1)} {', '.join(names)}: {message}"
        for message, names in by_message.items()
    )
