"""The status of a ModelDeployment whose writes are refused: what serves stays, the obstacle is told."""

from datetime import datetime
from functools import partial
from typing import Final, Literal, NamedTuple

from davylamp.api.names import ConditionType, Reason
from davylamp.api.status import ModelDeploymentStatus
from davylamp.api.status_parts import Condition

_TELLING: Final = (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)


class Obstruction(NamedTuple):
    """What keeps a decision from being carried out."""

    reason: Reason
    message: str
    stalls: bool
    """Whether the spec cannot come true before somebody clears it away."""
    keeps_from_serving: bool = False
    """Whether what should serve gets no traffic because of it."""


def obstructed(
    status: ModelDeploymentStatus,
    obstruction: Obstruction,
    *,
    generation: int,
    now: datetime,
    known: ModelDeploymentStatus,
) -> ModelDeploymentStatus:
    """The status with the condition Obstructed, and with the same in the sentence of Ready.

    A revision that serves stays ready, and a rollback keeps its own reason: they are told first. Else
    an obstacle that somebody has to clear away makes Ready false and Stalled true, as waiting would
    not help; one that may pass leaves them, unless it keeps the revision from its traffic.

    Args:
        status: as decided.
        obstruction: what is in the way.
        generation: of the spec.
        now: the time of the decision.
        known: the status as it is stored: since when a condition holds.
    """
    told = partial(_condition, obstruction, generation=generation, now=now, known=known)
    states = {c.type: c for c in status.conditions}
    ready = states.get(ConditionType.READY)
    serves = ready is not None and ready.status == "True" and not obstruction.keeps_from_serving
    if serves or ConditionType.STALLED in states or not _is_in_the_way(obstruction):
        states |= {kind: _with(states[kind], obstruction) for kind in _TELLING if kind in states}
    else:
        abnormal = ConditionType.STALLED if obstruction.stalls else ConditionType.RECONCILING
        states.pop(ConditionType.RECONCILING, None)
        states[ConditionType.READY] = told(ConditionType.READY, "False")
        states[abnormal] = told(abnormal, "True")
    states[ConditionType.OBSTRUCTED] = told(ConditionType.OBSTRUCTED, "True")
    update = {"observed_generation": generation, "conditions": tuple(states.values())}
    return status.model_copy(update=update)


def _condition(  # noqa: PLR0913  (what a condition is made of)
    obstruction: Obstruction,
    kind: ConditionType,
    value: Literal["True", "False"],
    *,
    generation: int,
    now: datetime,
    known: ModelDeploymentStatus,
) -> Condition:
    last = next((c for c in known.conditions if c.type == kind), None)
    return Condition(
        type=kind,
        status=value,
        reason=obstruction.reason,
        message=obstruction.message,
        observed_generation=generation,
        last_transition_time=last.last_transition_time if last and last.status == value else now,
    )


def _is_in_the_way(obstruction: Obstruction) -> bool:
    return obstruction.stalls or obstruction.keeps_from_serving


def unobstructed(status: ModelDeploymentStatus) -> ModelDeploymentStatus:
    """A stored status without what it says of refused writes."""
    told = next((c for c in status.conditions if c.type == ConditionType.OBSTRUCTED), None)
    if told is None:
        return status
    prefix, suffix = _prefix(told.message), _suffix(told.message)
    kept = tuple(
        c.model_copy(update={"message": c.message.removeprefix(prefix).removesuffix(suffix)})
        for c in status.conditions
        if c.type != ConditionType.OBSTRUCTED
        if c.type != ConditionType.STALLED or c.message != told.message
    )
    return status.model_copy(update={"conditions": kept})


def _suffix(message: str) -> str:
    return f"; not everything is done: {message}"


def _prefix(message: str) -> str:
    return f"{message}; "


def _with(condition: Condition, obstruction: Obstruction) -> Condition:
    message = f"{condition.message}{_suffix(obstruction.message)}"
    if condition.reason == Reason.PROGRESS_DEADLINE_EXCEEDED and _is_in_the_way(obstruction):
        message = f"{_prefix(obstruction.message)}{condition.message}"  # it is why pods are missing
    return condition.model_copy(update={"message": message})
