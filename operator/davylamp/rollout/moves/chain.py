"""What can happen next, as an ordered chain of small moves: read top-down as the specification.

Each move answers with the turn after it, or None when it does not apply. The chain is run until
no move applies, so a second decision over the same observation moves nothing.
"""

from collections.abc import Callable
from typing import Final

from davylamp.rollout import checks, explanations, gating, verification
from davylamp.rollout.moves import commands, progress, rollbacks
from davylamp.rollout.situation import Situation

Move = Callable[[Situation], Situation | None]

MOVES: Final[tuple[Move, ...]] = (
    explanations.explanations_unwanted,
    explanations.run_told,
    checks.checks_noted,
    gating.baseline_noted,
    gating.forecast_noted,
    verification.verification_unwanted,
    verification.verification_noted,
    commands.retry_asked,
    commands.abort_asked,
    rollbacks.superseded,
    rollbacks.candidate_broken,
    checks.check_failed,
    rollbacks.drift_found,
    rollbacks.gate_failed,
    gating.gate_warned,
    gating.blindness_clock,
    gating.blind_too_long,
    rollbacks.probation_failed,
    rollbacks.progress_deadline_over,
    rollbacks.deadline_over,
    commands.promote_asked,
    commands.advance_asked,
    progress.deadline_clock,
    progress.plan_refreshed,
    progress.probation_over,
    progress.rollout_begins,
    progress.stage_over,
)
