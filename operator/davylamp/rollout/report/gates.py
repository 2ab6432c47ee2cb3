"""What the gates say, for the status."""

from collections.abc import Mapping
from datetime import datetime

from davylamp.api.status_parts import GateStatus
from davylamp.gates import Judgement


def gate_statuses(
    shown: tuple[GateStatus, ...], judgements: Mapping[str, Judgement], now: datetime
) -> tuple[GateStatus, ...]:
    """The gates as the status shows them next; `shown` is how it shows them now.

    Right after a restart no gate has been evaluated yet: what is shown still stands.
    """
    if not judgements:
        return shown
    before = {gate.name: gate for gate in shown}
    return tuple(
        _gate_status(name, judgement, before.get(name), now)
        for name, judgement in judgements.items()
    )


def _gate_status(
    name: str, judgement: Judgement, shown: GateStatus | None, now: datetime
) -> GateStatus:
    """One gate; numbers that did not change keep their time."""
    status = GateStatus(
        name=name,
        verdict=judgement.verdict.value,
        reason=judgement.reason,
        message=judgement.message,
        requests=judgement.candidate.requests,
        errors=judgement.candidate.errors,
        stable_requests=judgement.stable.requests,
        stable_errors=judgement.stable.errors,
        log10_e=f"{judgement.log10_rollback:.2f}",
        effect=judgement.effect or None,
        evidence=judgement.strength or None,
        requests_needed=judgement.requests_needed,
        at=now,
    )
    same = shown is not None and status == shown.model_copy(update={"at": now})
    return shown if shown is not None and same else status
