"""What the gates say, for the status: verdicts at once, numbers now and then."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from davylamp.api.gate_status import GateStatus
from davylamp.gates import Judgement

GATE_REFRESH: Final = timedelta(seconds=15)
"""How often unchanged verdicts get new numbers: evidence moves every second, etcd need not."""
WORTH_SHOWING: Final = 0.5
"""Rise of the evidence against a canary (log10 of the e-value) that is shown at once."""


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
    if shown and not _worth_showing(judgement, shown) and now - shown.at < GATE_REFRESH:
        return shown
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
        at=now,
    )


def _worth_showing(judgement: Judgement, shown: GateStatus) -> bool:
    """Whether users should see this before the next refresh is due."""
    if (shown.verdict, shown.reason) != (judgement.verdict.value, judgement.reason):
        return True
    if judgement.candidate.requests and not shown.requests:
        return True
    worse = judgement.log10_rollback - max(0.0, float(shown.log10_e))
    return worse >= WORTH_SHOWING
