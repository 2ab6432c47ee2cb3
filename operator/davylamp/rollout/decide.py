"""The decision: everything that is known in, everything that shall be done out. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from davylamp.api.status import ModelDeploymentStatus
from davylamp.rollout.desired import Desired, desired
from davylamp.rollout.moves import MOVES
from davylamp.rollout.notices import Notice
from davylamp.rollout.observation import Observation
from davylamp.rollout.report import report
from davylamp.rollout.turn import Turn, after

MOST_MOVES: Final = 64
"""More than any real pass makes; beyond it the moves go round in a circle, which is a defect."""
LOOK_AGAIN: Final = 10.0
"""Seconds after which something that is under way is looked at again, come what may."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall be: the new memory, the cluster that follows from it, and what is told.

    `wake_after` is seconds until the next look is due, None when only a change can matter.
    """

    status: ModelDeploymentStatus
    desired: Desired
    notices: tuple[Notice, ...]
    wake_after: float | None


def decide(status: ModelDeploymentStatus, seen: Observation, *, name: str) -> Decision:
    """Decide what happens next to the ModelDeployment called `name`."""
    turn = _settled(Turn(status, seen))
    wanted = desired(turn)
    return Decision(
        status=report(turn, wanted, name),
        desired=wanted,
        notices=turn.notices,
        wake_after=_wake_after(turn),
    )


def _settled(turn: Turn) -> Turn:
    """Make moves until none applies."""
    for _ in range(MOST_MOVES):
        following = next((moved for move in MOVES if (moved := move(turn)) is not None), None)
        if following is None:
            return turn
        turn = following
    moves = ", ".join(notice.reason for notice in turn.notices)
    raise RuntimeError(f"the decision does not settle: {moves}")


def _wake_after(turn: Turn) -> float | None:
    """Seconds until a clock of this state runs out; pods and metrics wake it earlier."""
    status, now = turn.status, turn.seen.now
    clocks: list[datetime] = []
    if status.candidate:
        candidate = status.candidate
        hold = candidate.plan.steps[candidate.step - 1].hold if candidate.step else None
        if hold and candidate.step_at:
            clocks.append(candidate.step_at + after(hold))
        clocks.append(candidate.stage_at + after(candidate.plan.progress_deadline))
        clocks.append(now + timedelta(seconds=LOOK_AGAIN))
    if status.previous:
        clocks.append(status.previous.until)
        clocks.append(now + timedelta(seconds=LOOK_AGAIN))
    ahead = [clock for clock in clocks if clock > now]
    return max(0.1, (min(ahead) - now).total_seconds()) if ahead else None
