"""Moves that a user asks for, by an annotation that names the revision it means.

Each command gets an answer in the pass that sees it. What can be acted on at any time is answered
at once; promote and advance may need a move of the same pass first, so they are refused last.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from davylamp.api.names import Command, Reason
from davylamp.api.status import Outcome, RevisionRef, Stage
from davylamp.rollout.commands import refusals
from davylamp.rollout.commands.memory import (
    Asked,
    accepted,
    already_done,
    answer_to,
    asked,
    refused,
    still_there,
)
from davylamp.rollout.moves.endings import roll_back, roll_back_promoted
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation
from davylamp.rollout.stages import ON_THE_CLOCK
from davylamp.rollout.wording import named, named_in_full


def abort_requested(situation: Situation) -> Situation | None:
    """A user aborts the candidate, the revision in probation, or one that has not begun."""
    order = asked(situation, Command.ABORT)
    if order is None:
        return None
    unknown = refusals.unknown_revision(situation, order)
    if unknown:
        return refused(situation, order, unknown)
    rejection = situation.rejected(order.revision)
    if rejection:
        why = f"{named_in_full(rejection)} was rolled back ({rejection.reason})"
        return already_done(situation, order, why)
    ended = _aborted(situation, order)
    if ended is not None:
        return accepted(ended, order)
    status = situation.status
    if status.candidate is None and status.stable and status.stable.revision == order.revision:
        return _nothing_to_abort(situation, order, status.stable)
    return refused(situation, order, refusals.mistaken_abort(situation, order))


def _aborted(situation: Situation, order: Asked) -> Situation | None:
    """The situation without a revision, if that can be: its rollout ended, or it never begins."""
    status, target, revision = situation.status, situation.observation.target, order.revision
    why = f"aborted by {order.who}"
    if status.candidate and status.candidate.revision == revision:
        return roll_back(situation, Reason.ABORTED, why, by=order.by)
    if status.stable and status.stable.revision == revision:
        if status.previous is None or status.candidate:
            return None
        return roll_back_promoted(situation, Reason.ABORTED, why, by=order.by)
    return _rejected_unbegun(situation, order) if target.revision == revision else None


def _nothing_to_abort(situation: Situation, order: Asked, stable: RevisionRef) -> Situation:
    name = named(stable, situation.observation.target)
    why = (
        f"nothing to abort: {name} is serving, it is not being rolled out; "
        "to return to an earlier revision, apply its spec"
    )
    return refused(situation, order, why, reason=Reason.NOTHING_TO_ABORT)


def _rejected_unbegun(situation: Situation, order: Asked) -> Situation:
    target, why = situation.observation.target, f"aborted by {order.who}"
    name = named(target, situation.status.stable)
    message = f"{name} will not be rolled out: {why} before the rollout began"
    return (
        situation.rejecting(target, Reason.ABORTED, why)
        .ended(target, Outcome.ABORTED, Reason.ABORTED, by=order.by)
        .with_notice(Notice(Reason.ABORTED, message, target.revision, "Warning"))
    )


def retry_requested(situation: Situation) -> Situation | None:
    """A user gives a rejected revision another chance.

    For one that is not rejected the command is used up, or it would undo a later rejection.
    """
    order = asked(situation, Command.RETRY)
    if order is None:
        return None
    unknown = refusals.unknown_revision(situation, order)
    if unknown:
        return refused(situation, order, unknown)
    rejection = situation.rejected(order.revision)
    if rejection is None:
        return already_done(situation, order, refusals.needless_retry(situation, order))
    kept = tuple(r for r in situation.status.rejected if r.revision != order.revision)
    name = named(rejection, situation.status.stable)
    message = f"{name} is no longer rejected: {order.who} allowed it to be rolled out again"
    target = situation.observation.target
    if target.revision != order.revision:
        message += f"; the spec names {named_in_full(target)}, so apply its spec to roll it out"
    elif situation.observation.paused:
        message += ", once spec.paused is false"
    notice = Notice(Reason.RETRIED, message, order.revision)
    return accepted(situation.remember(rejected=kept).with_notice(notice), order)


def promote_requested(situation: Situation) -> Situation | None:
    """A user wants the candidate promoted without waiting for steps and gates."""
    order, candidate = asked(situation, Command.PROMOTE), situation.status.candidate
    if order is None or not _promotes(situation, order.revision) or candidate is None:
        return None
    message = (
        f"{named(candidate, situation.status.stable)} is promoted at the command of {order.who}, without "
        "waiting for steps and gates; its checks have to pass, and a gate that fails rolls it back"
    )
    notice = Notice(Reason.COMMAND_ACCEPTED, message, candidate.revision)
    promoting = situation.with_candidate(promote_requested=True, promote_requested_by=order.by)
    return accepted(promoting.with_notice(notice), order)


def _promotes(situation: Situation, revision: str) -> bool:
    candidate = situation.status.candidate
    return (
        candidate is not None
        and candidate.revision == revision
        and candidate.stage in ON_THE_CLOCK
        and not candidate.promote_requested
    )


def advance_requested(situation: Situation) -> Situation | None:
    """A user lets a paused step pass, or a rollout continue that had no data for too long."""
    order, candidate = asked(situation, Command.ADVANCE), situation.status.candidate
    if order is None or candidate is None or not _advances(situation, order):
        return None
    if candidate.no_data_paused:
        message = (
            f"step {candidate.step} goes on at the command of {order.who}; gates still need data"
        )
        changed = situation.with_candidate(no_data_since=None, no_data_paused=False)
    else:
        message = f"step {candidate.step} ends at the command of {order.who}"
        changed = situation.with_candidate(advanced=candidate.step)
    notice = Notice(Reason.COMMAND_ACCEPTED, message, candidate.revision)
    return accepted(changed.with_notice(notice), order)


def _advances(situation: Situation, order: Asked) -> bool:
    """Whether an advance names the present step, and that waits for a user."""
    candidate = situation.status.candidate
    if candidate is None or candidate.revision != order.revision:
        return False
    if candidate.stage is not Stage.CANARY:
        return False
    if refusals.step_named(order, candidate) != candidate.step:
        return False
    pauses = bool(candidate.plan.steps[candidate.step - 1].pause)
    return candidate.no_data_paused or (pauses and candidate.advanced < candidate.step)


# --- what no move of this pass can act on ---------------------------------------------------------


def command_refused(situation: Situation) -> Situation | None:
    """A promote or an advance that nothing in this pass can act on is answered all the same."""
    for command, done, mistaken in _LAST:
        order = asked(situation, command)
        if order is None:
            continue
        unknown = refusals.unknown_revision(situation, order)
        is_done = None if unknown else done(situation, order)
        if is_done:
            return already_done(situation, order, is_done)
        return refused(situation, order, unknown or mistaken(situation, order))
    return None


_LAST: Final[
    tuple[
        tuple[
            Command,
            Callable[[Situation, Asked], str | None],
            Callable[[Situation, Asked], str],
        ],
        ...,
    ]
] = (
    (Command.PROMOTE, refusals.needless_promotion, refusals.not_being_rolled_out),
    (Command.ADVANCE, refusals.passed_step, refusals.mistaken_advance),
)


def command_left_over(situation: Situation) -> Situation | None:
    """A command from before the present attempt is still on the object: it is not meant for this one."""
    for command in Command:
        order = still_there(situation, command)
        answer = answer_to(situation.status, command)
        since = _would_act_since(situation, order) if order else None
        if order is None or answer is None or since is None or since <= answer.at:
            continue
        return refused(
            situation,
            order,
            f"it was answered at {answer.at:%H:%M:%SZ}, before this attempt began; to give it again: "
            f"{refusals.how_to(situation, command, _anew(order, situation))}",
        )
    return None


def _would_act_since(situation: Situation, order: Asked) -> datetime | None:
    """When the attempt began in which a command would act; None where it would not."""
    candidate, stable = situation.status.candidate, situation.status.stable
    match order.command:
        case Command.RETRY:
            rejection = situation.rejected(order.revision)
            return rejection.at if rejection else None
        case Command.ABORT if stable and stable.revision == order.revision:
            return stable.promoted_at if situation.status.previous else None
        case Command.PROMOTE if not _promotes(situation, order.revision):
            return None
        case Command.ADVANCE if not _advances(situation, order):
            return None
        case _:
            is_meant = candidate is not None and candidate.revision == order.revision
            return candidate.started_at if candidate and is_meant else None


def _anew(order: Asked, situation: Situation) -> str:
    """Other words for the same command: those that are on the object would be no change."""
    if order.command is Command.ADVANCE:
        return order.value
    return f"{order.revision}@{int(situation.observation.now.timestamp())}"
