"""What the status says of one gate."""

from datetime import datetime

from davylamp.api.gate_status import GateStatus
from davylamp.gates import Judgement


def gate_status(name: str, judgement: Judgement, at: datetime) -> GateStatus:
    """A gate's judgement as people read it."""
    return GateStatus(
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
        at=at,
    )
