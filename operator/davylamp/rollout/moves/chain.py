"""What can happen next, as an ordered chain of small moves: read top-down as the specification.

Each move answers with the situation after it, or None when it does not apply. The chain is run
until no move applies, so a second decision over the same observation moves nothing.
"""

from collections.abc import Callable
from typing import Final

from davylamp.rollout.commands import memory
from davylamp.rollout.moves import (
    checks,
    clocks,
    commands,
    drift,
    gates,
    images,
    progress,
    resuming,
    rollbacks,
    verification,
)
from davylamp.rollout.situation import Situation

Move = Callable[[Situation], Situation | None]

MOVES: Final[tuple[Move, ...]] = (
    clocks.future_corrected,
    resuming.stable_resumed,
    resuming.stable_given_up,
    drift.explanations_unwanted,
    drift.run_noted,
    images.image_pinned,
    images.image_not_pinned,
    images.tag_moved,
    checks.checks_noted,
    gates.baseline_noted,
    gates.forecast_noted,
    verification.verification_unwanted,
    verification.verification_noted,
    memory.withdrawn,
    commands.retry_requested,
    commands.abort_requested,
    rollbacks.superseded,
    rollbacks.candidate_broken,
    checks.check_failed,
    drift.drift_failed,
    gates.gate_failed,
    gates.gate_warned,
    gates.no_data_clock,
    gates.no_data_too_long,
    clocks.unsettled_clock,
    rollbacks.probation_failed,
    rollbacks.progress_deadline_over,
    rollbacks.deadline_over,
    commands.promote_requested,
    commands.advance_requested,
    clocks.deadline_clock,
    progress.plan_refreshed,
    progress.probation_over,
    progress.rollout_begins,
    progress.stage_over,
    commands.command_refused,
    commands.command_left_over,
)
