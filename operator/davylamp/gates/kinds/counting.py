"""What rules share that count failures, of windows or of values, and have no bound on chance."""

from __future__ import annotations

from dataclasses import replace

from davylamp.gates.trial import Rule
from davylamp.gates.verdicts import Judgement, Verdict


def counted_failures(
    rule: Rule, answer: Judgement, message: str, *, failed_at: float | None, accepted: bool
) -> Judgement:
    """The judgement of a rule that counts failures.

    Args:
        rule: gives the reasons.
        answer: what holds while nothing is decided.
        message: where the count stands.
        failed_at: epoch seconds of the failure that was one too many, if there was.
        accepted: whether the canary may be promoted.
    """
    if failed_at is not None:
        return replace(
            answer,
            verdict=Verdict.FAIL,
            reason=rule.worse_reason,
            message=message,
            decided_at=failed_at,
        )
    if answer.verdict is Verdict.UNKNOWN:
        return answer
    if accepted:
        return replace(answer, verdict=Verdict.PASS, reason=rule.acceptable_reason, message=message)
    return replace(answer, message=message)
