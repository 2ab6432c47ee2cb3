"""Commands on a ModelDeployment that was never followed, because nobody can follow its spec."""

from davylamp.api.names import Command
from davylamp.rollout.commands.memory import asked, refused, withdrawn
from davylamp.rollout.situation import Situation


def commands_refused(situation: Situation, why: str) -> Situation:
    """Each command that has had no answer yet gets one: there is nothing that it could act on.

    Args:
        situation: of a model of which nothing serves and nothing is being rolled out.
        why: what is wrong with the spec.
    """
    situation = withdrawn(situation) or situation
    for command in Command:
        order = asked(situation, command)
        if order:
            reason = f"nothing is being rolled out, and the spec cannot be followed: {why}"
            situation = refused(situation, order, reason)
    return situation
