"""A reason why a stage goes on, and the commands that its sentence may offer."""

from collections.abc import Callable
from typing import Final, NamedTuple

from davylamp.api.names import Command, HoldReason
from davylamp.api.status import Candidate
from davylamp.rollout.situation import Situation

NAME: Final = "NAME"
"""Stands for the ModelDeployment's name in a hold's commands; the report puts it in."""


class Hold(NamedTuple):
    """Why a stage goes on."""

    reason: HoldReason
    message: str


HoldRule = Callable[[Situation, Candidate], Hold | None]


def how_to(command: Command, candidate: Candidate, *, mark: int | None = None) -> str:
    """The part of a kubectl command that steers this candidate.

    `mark` tells an advance from earlier ones at the same step: a value is acted on once.
    """
    value = candidate.revision
    if command is Command.ADVANCE:
        value = f"{candidate.revision}@{candidate.step if mark is None else mark}"
    return f"`kubectl annotate --overwrite md {NAME} {command}={value}`"
