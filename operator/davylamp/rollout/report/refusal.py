"""The status of a ModelDeployment whose spec or writes are refused: the rest stays as it is."""

from datetime import datetime
from typing import Literal

from davylamp.api.names import ConditionType, Reason
from davylamp.api.status import ModelDeploymentStatus
from davylamp.api.status_parts import Condition


def refused(  # noqa: PLR0913  (what a condition is made of)
    status: ModelDeploymentStatus,
    *,
    generation: int,
    now: datetime,
    reason: Reason,
    message: str,
    known: ModelDeploymentStatus | None = None,
) -> ModelDeploymentStatus:
    """The status with Ready=False and Stalled=True; what serves and its conditions stay.

    Since when a condition holds is taken from `known`, the status as it is stored, or from `status`.
    """
    replaced = {ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED}
    kept = tuple(c for c in status.conditions if c.type not in replaced)
    before = {c.type: c for c in (known or status).conditions}

    def condition(kind: ConditionType, *, value: bool) -> Condition:
        text: Literal["True", "False"] = "True" if value else "False"
        last = before.get(kind)
        since = last.last_transition_time if last and last.status == text else now
        return Condition(
            type=kind,
            status=text,
            reason=reason,
            message=message,
            observed_generation=generation,
            last_transition_time=since,
        )

    stalled = condition(ConditionType.STALLED, value=True)
    conditions = (condition(ConditionType.READY, value=False), *kept, stalled)
    return status.model_copy(update={"observed_generation": generation, "conditions": conditions})
