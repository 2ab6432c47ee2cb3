"""Commands that wait for an answer, and what is remembered of those that have one.

A command is an annotation. It is answered in the pass that sees it, and then taken off the object:
the same words are a new command after that. Until it is gone, `status.handled` has its value, so
that neither a crash nor a write that is refused makes one command two.
"""

import re
from typing import Final, NamedTuple

from davylamp.api.command_answers import AnswerKind, CommandAnswer, Handled
from davylamp.api.names import Command, Reason
from davylamp.api.status import ModelDeploymentStatus
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation

MOST_SHOWN: Final = 60
"""Characters of a value that are repeated in a sentence: it may be anything."""
_NOTHING_TO_RUN: Final = re.compile(r"[^\w@.:+-]")


class Asked(NamedTuple):
    """One command as it was given."""

    command: Command
    value: str
    by: str | None = None
    """Who gave it, where that is proven."""

    @property
    def who(self) -> str:
        """Whoever gave it, for a sentence."""
        return self.by or "a user"

    @property
    def verb(self) -> str:
        """The command's name in messages."""
        return self.command.rsplit("/", 1)[-1]

    @property
    def revision(self) -> str:
        """The revision that it names."""
        return self.value.partition("@")[0].strip()

    @property
    def suffix(self) -> str:
        """What follows the revision."""
        return self.value.partition("@")[2].strip()

    @property
    def words(self) -> str:
        """The command for a sentence."""
        return f"{self.verb}={_NOTHING_TO_RUN.sub('?', self.value[:MOST_SHOWN])}"


def asked(situation: Situation, command: Command) -> Asked | None:
    """A command that has had no answer yet."""
    value = situation.observation.commands.get(command)
    if value is None or is_answered(situation.status, command, value):
        return None
    return Asked(command, value, situation.observation.users.get(command))


def still_there(situation: Situation, command: Command) -> Asked | None:
    """A command that had its answer and is on the object all the same."""
    value = situation.observation.commands.get(command)
    if value is None or not is_answered(situation.status, command, value):
        return None
    return Asked(command, value)


def answer_to(status: ModelDeploymentStatus, command: Command) -> CommandAnswer | None:
    """The last answer to a command; None where an operator of an earlier version gave it."""
    verb = Asked(command, "").verb
    return next((answer for answer in status.commands if answer.command == verb), None)


def withdrawn(situation: Situation) -> Situation | None:
    """An answered command is no longer on the object, or was not for a moment: its words count again."""
    there = {
        Asked(command, "").verb
        for command in situation.observation.commands
        if not _was_consumed(situation, command)
    }
    handled = situation.status.handled
    kept = {verb: value for verb, value in handled if verb in there}
    left = Handled(**kept)
    return None if left == handled else situation.remember(handled=left)


def _was_consumed(situation: Situation, command: Command) -> bool:
    """Whether a command was taken off after its last answer, so that the one on the object is new."""
    consumed, answer = situation.observation.consumed, answer_to(situation.status, command)
    if command not in consumed or (answer and answer.at == situation.observation.now):
        return False
    return consumed[command] == (answer.at if answer else None)


def accepted(situation: Situation, order: Asked) -> Situation:
    """A command was acted on: the last notice says how."""
    return _remembered(situation, order, AnswerKind.ACCEPTED, situation.notices[-1].message)


def already_done(situation: Situation, order: Asked, why: str) -> Situation:
    """What a command asks for is so already."""
    message = f"{order.words}: already done: {why}"
    notice = Notice(Reason.COMMAND_ALREADY_DONE, message, _about(situation, order))
    return _remembered(situation.with_notice(notice), order, AnswerKind.ALREADY_DONE, message)


def refused(
    situation: Situation, order: Asked, why: str, *, reason: Reason = Reason.COMMAND_REFUSED
) -> Situation:
    """A command cannot be acted on."""
    message = f"{order.words} was not acted on: {why}"
    notice = Notice(reason, message, _about(situation, order), "Warning")
    return _remembered(situation.with_notice(notice), order, AnswerKind.REFUSED, message)


def _remembered(situation: Situation, order: Asked, answer: AnswerKind, message: str) -> Situation:
    entry = CommandAnswer(
        command=order.verb,
        value=order.value[:MOST_SHOWN],
        answer=answer,
        message=message,
        at=situation.observation.now,
        by=order.by,
    )
    others = tuple(a for a in situation.status.commands if a.command != order.verb)
    handled = situation.status.handled.model_copy(update={order.verb: order.value})
    return situation.remember(commands=(entry, *others), handled=handled)


def _about(situation: Situation, order: Asked) -> str:
    """The revision that an answer is about: it becomes part of a name, so not any text will do."""
    status, target = situation.status, situation.observation.target
    known = (target, status.candidate, status.stable, *status.rejected, *status.history)
    is_known = order.revision in {ref.revision for ref in known if ref}
    return order.revision if is_known else target.revision


def is_answered(status: ModelDeploymentStatus, command: Command, value: str) -> bool:
    """Whether a value that is on the object has had its answer."""
    handled: str | None = getattr(status.handled, Asked(command, value).verb)
    return handled == value
