"""The writes that take answered commands off. Pure."""

from collections.abc import Iterator

from davylamp.api import names
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.writes import Consume, WriteStep
from davylamp.rollout import Observation
from davylamp.rollout.commands.memory import answer_to, is_answered


def answered_commands(
    key: Key, observation: Observation, status: ModelDeploymentStatus
) -> Iterator[Consume]:
    """Commands with an answer; what an applied manifest says stays, or it would be applied again."""
    for command, value in observation.commands.items():
        if is_answered(status, command, value) and command not in observation.declared:
            answer = answer_to(status, command)
            at = answer.at if answer else None
            yield Consume(WriteStep.COMMANDS, names.KIND, key.name, command, value, at)
