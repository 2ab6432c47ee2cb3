"""What can happen next, as an ordered chain of small moves: read top-down as the specification.

Each move answers with the turn after it, or None when it does not apply. The chain is run until
no move applies, so a second decision over the same observation moves nothing.
"""

from collections.abc import Callable
from typing import Final

from davylamp.rollout import (
    checks,
    commands,
    explanations,
    gating,
    progress,
    verification,
    withdrawals,
)
from davylamp.rollout.turn import Turn

Move = Callable[[Turn], Turn | None]

MOVES: Final[tuple[Move, ...]] = (
    explanations.explanations_unwanted,
    explanations.run_told,
    checks.checks_noted,
    gating.baseline_noted,
    gating.outlook_noted,
    verification.verification_unwanted,
    verification.verification_noted,
    commands.retry_asked,
    commands.abort_asked,
    withdrawals.superseded,
    withdrawals.candidate_broken,
    checks.check_failed,
    withdrawals.drift_found,
    withdrawals.gate_failed,
    gating.gate_warned,
    gating.blindness_clock,
    gating.blind_too_long,
    withdrawals.probation_failed,
    withdrawals.progress_deadline_over,
    withdrawals.deadline_over,
    commands.promote_asked,
    commands.advance_asked,
    progress.deadline_clock,
    progress.plan_refreshed,
    progress.probation_over,
    progress.rollout_begins,
    progress.stage_over,
)
