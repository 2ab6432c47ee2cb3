"""The decision: everything that is known in, everything that shall be done out. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from davylamp.api.status import ModelDeploymentStatus
from davylamp.rollout.attempts import EndedAttempt
from davylamp.rollout.desired import Desired, desired
from davylamp.rollout.holds.pods import settled_at
from davylamp.rollout.moves.chain import MOVES
from davylamp.rollout.notices import Notice
from davylamp.rollout.observation import Observation
from davylamp.rollout.report.status import report
from davylamp.rollout.situation import Situation, after

MOST_MOVES: Final = 64
"""More than any real pass makes; beyond it the moves go in circles, which is a defect."""
LOOK_AGAIN: Final = 10.0
"""Seconds after which something that is under way is looked at again, come what may."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall be: the new memory, the cluster that follows from it, and the news."""

    status: ModelDeploymentStatus
    desired: Desired
    notices: tuple[Notice, ...]
    wake_after: float | None
    """Seconds until the next look is due; None when only a change can matter."""
    ended: EndedAttempt | None = None
    """The attempt with traffic that this decision ended."""


def decide(
    status: ModelDeploymentStatus, observation: Observation, *, name: str, namespace: str = ""
) -> Decision:
    """Decide what happens next to the ModelDeployment called `name`."""
    situation = _settled(Situation(status, observation, name=name, namespace=namespace))
    wanted = desired(situation)
    return Decision(
        status=report(situation, wanted),
        desired=wanted,
        notices=situation.notices,
        wake_after=_wake_after(situation),
        ended=situation.attempt,
    )


def _settled(situation: Situation) -> Situation:
    """Make moves until none applies."""
    for _ in range(MOST_MOVES):
        following = next((moved for move in MOVES if (moved := move(situation)) is not None), None)
        if following is None:
            return situation
        situation = following
    moves = ", ".join(notice.reason for notice in situation.notices)
    raise RuntimeError(f"the decision does not settle: {moves}")


def _wake_after(situation: Situation) -> float | None:
    """Seconds until a clock of this state runs out; pods and metrics wake it earlier."""
    status, now = situation.status, situation.observation.now
    clocks: list[datetime] = []
    if status.candidate:
        candidate = status.candidate
        hold = candidate.plan.steps[candidate.step - 1].hold if candidate.step else None
        if hold and candidate.step_at:
            clocks.append(candidate.step_at + after(hold))
        clocks.append(candidate.stage_at + after(candidate.plan.progress_deadline))
        clocks.append(settled_at(situation, candidate) or now)
        clocks.append(now + timedelta(seconds=LOOK_AGAIN))
    if status.previous:
        clocks.append(status.previous.until)
        clocks.append(now + timedelta(seconds=LOOK_AGAIN))
    ahead = [clock for clock in clocks if clock > now]
    return max(0.1, (min(ahead) - now).total_seconds()) if ahead else None
