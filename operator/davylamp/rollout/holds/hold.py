"""A reason why a stage does not end yet, and the commands that its sentence may offer."""

from collections.abc import Callable
from typing import NamedTuple

from davylamp.api.names import Command, HoldReason
from davylamp.api.status import Candidate
from davylamp.rollout import wording
from davylamp.rollout.situation import Situation


class Hold(NamedTuple):
    """Why a stage does not end yet."""

    reason: HoldReason
    message: str


HoldRule = Callable[[Situation, Candidate], Hold | None]


def how_to(command: Command, situation: Situation, candidate: Candidate) -> str:
    """The kubectl command that steers this candidate; an advance names the step that it is for."""
    value = candidate.revision
    if command is Command.ADVANCE:
        value = f"{candidate.revision}@{candidate.step}"
    return wording.annotate(situation.name, situation.namespace, command, value)


def promote_or_abort(situation: Situation, candidate: Candidate) -> str:
    """Both ways out of a canary that waits for a user."""
    promote = how_to(Command.PROMOTE, situation, candidate)
    return (
        f"promote it with {promote} or abort it with {how_to(Command.ABORT, situation, candidate)}"
    )
