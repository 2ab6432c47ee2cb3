"""The status of a spec that cannot be followed: says so, and leaves everything else as it is."""

from datetime import datetime

from davylamp.api.names import ConditionType, Reason
from davylamp.api.status import Condition, ModelDeploymentStatus


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

    Since when a condition holds is taken from `known`, what people were told last, or from `status`.
    """
    replaced = {ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED}
    kept = tuple(c for c in status.conditions if c.type not in replaced)
    before = {c.type: c for c in (known or status).conditions}

    def condition(kind: ConditionType, *, value: bool) -> Condition:
        said = "True" if value else "False"
        known = before.get(kind)
        since = known.last_transition_time if known and known.status == said else now
        return Condition(
            type=kind,
            status="True" if value else "False",
            reason=reason,
            message=message,
            observed_generation=generation,
            last_transition_time=since,
        )

    stalled = condition(ConditionType.STALLED, value=True)
    conditions = (condition(ConditionType.READY, value=False), *kept, stalled)
    return status.model_copy(update={"observed_generation": generation, "conditions": conditions})
