"""Why a command is not acted on: a sentence that says what is so instead, and what to type."""

from collections.abc import Iterator

from davylamp.api.names import Command
from davylamp.api.status import Candidate, RevisionRef, Stage
from davylamp.rollout import wording
from davylamp.rollout.commands.memory import Asked
from davylamp.rollout.holds.chain import hold_of
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import named_in_full


def how_to(situation: Situation, command: Command, value: str) -> str:
    """The kubectl command that gives a command."""
    return wording.annotate(situation.name, situation.namespace, command, value)


def unknown_revision(situation: Situation, order: Asked) -> str | None:
    """A command names no revision of this model: a tag, `latest`, a slip of the pen."""
    refs = {ref.revision: ref for ref in _known(situation)}
    if order.revision in refs or order.revision in situation.observation.recorded:
        return None
    if not order.revision:
        return f"it names no revision; {_present(situation)}"
    tagged = [ref for ref in refs.values() if ref.tag == order.revision]
    if tagged:
        revisions = " or ".join(ref.revision for ref in tagged)
        return f"that is a tag, and commands name a revision: {revisions}; {_present(situation)}"
    return f"this model has no such revision; {_present(situation)}"


def not_being_rolled_out(situation: Situation, order: Asked) -> str:
    """A command for a candidate names a revision that is none."""
    ref = _ref(situation, order.revision)
    rejection = situation.rejected(order.revision)
    name = named_in_full(ref) if ref else f"revision {order.revision}"
    if rejection:
        retry = how_to(situation, Command.RETRY, order.revision)
        return f"{name} was rolled back ({rejection.reason}); allow it again first: {retry}"
    if order.revision == situation.observation.target.revision and _is_paused(situation):
        return f"the rollout of {name} has not begun: spec.paused is true"
    return f"{name} is not being rolled out; {_present(situation)}"


def mistaken_abort(situation: Situation, order: Asked) -> str:
    """An abort names a revision that cannot be aborted now; most often another one was meant."""
    candidate, stable = situation.status.candidate, situation.status.stable
    previous = situation.status.previous
    if candidate and stable and stable.revision == order.revision:
        abort = how_to(situation, Command.ABORT, candidate.revision)
        return (
            f"{named_in_full(stable)} is serving and is not being rolled out; "
            f"to abort the rollout of {named_in_full(candidate)}: {abort}"
        )
    if previous and stable and previous.revision == order.revision:
        abort = how_to(situation, Command.ABORT, stable.revision)
        return (
            f"{named_in_full(previous)} is only kept warm; "
            f"to roll {named_in_full(stable)} back to it: {abort}"
        )
    return not_being_rolled_out(situation, order)


def needless_retry(situation: Situation, order: Asked) -> str:
    """A retry names a revision that is not rejected: what it is instead."""
    status, target = situation.status, situation.observation.target
    ref = _ref(situation, order.revision)
    name = named_in_full(ref) if ref else f"revision {order.revision}"
    if status.candidate and status.candidate.revision == order.revision:
        return f"{name} is not rejected, it is being rolled out"
    if status.stable and status.stable.revision == order.revision:
        return f"{name} is not rejected, it is serving"
    if target.revision == order.revision and _is_paused(situation):
        return f"{name} is not rejected, it is waiting because spec.paused is true"
    return f"{name} is not rejected; to roll it out, apply its spec"


def needless_promotion(situation: Situation, order: Asked) -> str | None:
    """Why a promote asks for what is so already; None where it does not."""
    candidate = _named_candidate(situation, order)
    if candidate is None:
        return _serving(situation, order)
    if candidate.stage is Stage.RETURNING:
        return "a return has no steps and no gates: it gets all traffic once its pods are ready"
    return f"{named_in_full(candidate)} is being promoted"


def passed_step(situation: Situation, order: Asked) -> str | None:
    """Why an advance asks for what is so already; None where it does not."""
    candidate = _named_candidate(situation, order)
    if candidate is None:
        return _serving(situation, order)
    if candidate.stage is Stage.PROMOTING:
        return f"{named_in_full(candidate)} has passed its last step"
    if candidate.stage is Stage.RETURNING:
        return f"{named_in_full(candidate)} returns, and a return has no steps"
    number = step_named(order, candidate)
    if number is None or not 0 < number <= max(candidate.advanced, candidate.step - 1):
        return None
    return f"step {number} was let pass; the canary is at step {candidate.step}"


def mistaken_advance(situation: Situation, order: Asked) -> str:
    """An advance that lets nothing pass: what the canary waits for instead."""
    candidate = _named_candidate(situation, order)
    if candidate is None:
        return not_being_rolled_out(situation, order)
    number = step_named(order, candidate)
    if candidate.stage is not Stage.CANARY:
        return f"{named_in_full(candidate)} has not begun its first step"
    here = f"the canary is at step {candidate.step} of {candidate.steps}"
    if number is None:
        value = f"{candidate.revision}@{candidate.step}"
        now = how_to(situation, Command.ADVANCE, value)
        return f"@{order.suffix[:20]} is no step; {here}, which {now} lets pass"
    if number != candidate.step:
        return f"{here}, not at step {number}"
    hold = hold_of(situation, candidate)
    why = f"; it waits for something else: {hold.message}" if hold else ""
    return f"step {candidate.step} does not wait for a user{why}"


def step_named(order: Asked, candidate: Candidate) -> int | None:
    """The step that an advance names, the present one if it names none; None for no number."""
    if not order.suffix:
        return candidate.step
    suffix = order.suffix
    return int(suffix) if suffix.isascii() and suffix.isdigit() and len(suffix) < 20 else None


def _known(situation: Situation) -> Iterator[RevisionRef]:
    """Every revision that something is known of, the most present ones first."""
    status = situation.status
    refs = (status.candidate, status.stable, status.previous, situation.observation.target)
    yield from (ref for ref in refs if ref)
    yield from (*status.rejected, *status.history)


def _ref(situation: Situation, revision: str) -> RevisionRef | None:
    return next((ref for ref in _known(situation) if ref.revision == revision), None)


def _named_candidate(situation: Situation, order: Asked) -> Candidate | None:
    """The candidate, where the command names it."""
    candidate = situation.status.candidate
    return candidate if candidate and candidate.revision == order.revision else None


def _serving(situation: Situation, order: Asked) -> str | None:
    """That what the command names is serving; None where it is not."""
    stable = situation.status.stable
    named = stable if stable and stable.revision == order.revision else None
    return f"{named_in_full(named)} is serving" if named else None


def _is_paused(situation: Situation) -> bool:
    return situation.status.candidate is None and situation.observation.paused


def _present(situation: Situation) -> str:
    """What is being rolled out, or what serves."""
    candidate, stable = situation.status.candidate, situation.status.stable
    if candidate:
        return f"the candidate is {named_in_full(candidate)}"
    if stable:
        return f"nothing is being rolled out, and {named_in_full(stable)} is serving"
    return "nothing is being rolled out"
