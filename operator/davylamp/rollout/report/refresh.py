"""When a changed status is worth a write: decisions at once, numbers now and then. Pure."""

import re
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from davylamp.api.status import ModelDeploymentStatus
from davylamp.api.status_parts import GateStatus

REFRESH: Final = timedelta(seconds=30)
"""How often numbers alone are written: evidence moves every second, etcd and people need not."""
APART: Final = timedelta(seconds=0.2)
"""Time between such writes over all rollouts: with more than 150 of them, each comes less often."""
WORTH_SHOWING: Final = 0.5
"""Rise of the evidence against a canary (log10 of the e-value) that is shown at once."""
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
Words: TypeAlias = tuple[object, ...]


def is_due(
    shown: ModelDeploymentStatus, status: ModelDeploymentStatus, now: datetime, *, rollouts: int
) -> bool:
    """Whether a status is to be written in the place of the one that is shown.

    Args:
        shown: the status as it is stored.
        status: what it would say now.
        now: the time.
        rollouts: how many are judged at the moment.
    """
    if status == shown:
        return False
    written = max((gate.at for gate in _gates(shown)), default=None)
    if written is None or abs(now - written) >= max(REFRESH, APART * rollouts):
        return True
    return _words(shown) != _words(status) or _is_rising(shown, status)


def _words(status: ModelDeploymentStatus) -> Words:
    """What a status says without the numbers that traffic moves."""
    candidate = status.candidate
    return (
        status.model_copy(update={"conditions": (), "candidate": None, "probation_gates": ()}),
        candidate and candidate.model_copy(update={"gates": (), "forecast": ()}),
        [(c.type, c.status, c.reason, _NUMBER.sub("0", c.message)) for c in status.conditions],
        candidate and [(known.name, known.warning is None) for known in candidate.forecast],
        [(gate.name, gate.verdict, gate.reason, gate.requests > 0) for gate in _gates(status)],
    )


def _is_rising(shown: ModelDeploymentStatus, status: ModelDeploymentStatus) -> bool:
    """Whether the evidence against a canary has grown by what people want to see at once."""
    known = {gate.name: max(0.0, float(gate.log10_e)) for gate in _gates(shown)}
    return any(
        float(gate.log10_e) - known.get(gate.name, 0.0) >= WORTH_SHOWING for gate in _gates(status)
    )


def _gates(status: ModelDeploymentStatus) -> tuple[GateStatus, ...]:
    return status.candidate.gates if status.candidate else status.probation_gates
