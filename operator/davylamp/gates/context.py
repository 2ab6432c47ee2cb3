"""What is known at the moment of judging besides the samples, and what may be missing then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MissingData:
    """A reason for not knowing, and its sentence."""

    reason: str
    message: str


@dataclass(frozen=True)
class JudgementContext:
    """What the caller knows at the moment of judging, live, in a replay or in a simulation.

    `now` in epoch seconds; pods are ready ones, by name. `unread` says for a gate why what it needs
    could not be read (`missing_data.unread`).
    """

    now: float
    candidate_pods: frozenset[str]
    stable_pods: frozenset[str]
    unread: Mapping[str, MissingData] = field(default_factory=dict)
