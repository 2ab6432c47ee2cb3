"""What every kind of gate has: how it is written in a spec, and which rule that means."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar

from davylamp.gates.channels import Channel
from davylamp.gates.trial import Rule
from davylamp.gates.values import UserQuery
from davylamp.schema.models import Strict

Validation: TypeAlias = tuple[str, str]
"""A CEL expression that must hold, and what to say where it does not."""
_Spec = TypeVar("_Spec", bound=Strict)

MAX_WITHIN: Final[Validation] = (
    "self.max.matches('[1-9]') && self.max != '100%'",
    "max must lie between 0% and 100%",
)
RATIO_AT_LEAST_1: Final[Validation] = (
    "!has(self.ratio) || double(self.ratio) >= 1.0",
    "ratio must be at least 1: a canary as good as stable must pass",
)
BURST_AT_LEAST_1: Final[Validation] = (
    "!has(self.burst) || double(self.burst) >= 1.0",
    "burst must be at least 1",
)
DISTANCE_ABOVE_0: Final[Validation] = (
    "self.distance.matches('[1-9]')",
    "distance must lie between 0 and 1",
)


class OnFail(StrEnum):
    """What a failed gate does."""

    ROLLBACK = "Rollback"
    PAUSE = "Pause"
    WARN = "Warn"


@dataclass(frozen=True, slots=True)
class WrongDecisions:
    """Bounds on the probabilities of wrong decisions of one gate."""

    false_rollback: float
    false_promotion: float


class GateKind(ABC, Generic[_Spec]):
    """One kind of gate: its admission model, and the rules that its settings mean.

    All class variables without a value have to be set.
    """

    field: ClassVar[str]
    """Field of a gate in Python, `error_rate`; in YAML it is `errorRate`."""
    description: ClassVar[str]
    """What the field is for, in a sentence; part of the CRD."""
    spec: ClassVar[type[Strict]]
    """The admission model."""
    validations: ClassVar[tuple[Validation, ...]]
    """CEL rules over the fields of the admission model."""
    rules: ClassVar[tuple[type[Rule], ...]]
    """The rules that settings of this kind may mean; all of them read the same channel."""
    default_action: ClassVar[OnFail] = OnFail.ROLLBACK
    """What a failure does where `onFail` is not set."""
    compares_with_training: ClassVar[bool] = False
    """Whether the shares of the training run are needed, to be remembered with a candidate."""

    @property
    def name(self) -> str:
        """The field as it is written in YAML."""
        first, *rest = self.field.split("_")
        return first + "".join(part.capitalize() for part in rest)

    @property
    def channel(self) -> Channel | None:
        """The series that are read; None where a user query gives values instead."""
        return self.rules[0].channel

    @abstractmethod
    def rule(self, spec: _Spec, wrong: WrongDecisions, training: Mapping[str, float]) -> Rule:
        """The rule that settings mean.

        Args:
            spec: the settings.
            wrong: bounds on wrong decisions; passed over where `is_bounded` is false.
            training: explanation shares of the training run by feature, where they are known.

        Raises:
            ValueError: the settings are no rule.
        """

    @abstractmethod
    def is_bounded(self, spec: _Spec) -> bool:
        """Whether the rule bounds false rollbacks, and so has a part of `falseRollback`."""

    def user_query(self, spec: _Spec) -> UserQuery | None:
        """The query in the settings, where there is one."""
        del spec
        return None


AnyKind: TypeAlias = GateKind[Any]


def complete(kind: type[AnyKind]) -> AnyKind:
    """An instance of a kind that has all its parts.

    Raises:
        TypeError: a part is missing; says which, and of what.
    """
    _require(kind, _missing(kind, GateKind))
    for rule in kind.rules:
        _require(rule, _missing(rule, Rule))
        if rule.channel is not None:
            channel = type(rule.channel)
            missing = [name for name in _declared(Channel) if not hasattr(rule.channel, name)]
            _require(channel, missing)
    _require_one_source(kind)
    return kind()


def _require_one_source(kind: type[AnyKind]) -> None:
    """All rules read one channel, or all of them are given values by a user query."""
    channels = {rule.channel for rule in kind.rules}
    if len(channels) != 1:
        raise TypeError(f"{kind.__name__} has rules of {len(channels)} channels, not of one")
    if channels == {None}:
        _require(kind, _inherited(kind, GateKind, "user_query"))
        for rule in kind.rules:
            _require(rule, _inherited(rule, Rule, "user_query", "answered"))


def _inherited(made: type, base: type, *names: str) -> list[str]:
    """Those of some members that a class has from its base."""
    return [name for name in names if getattr(made, name) is getattr(base, name)]


def _missing(made: type, base: type) -> list[str]:
    """Abstract methods and declared class variables that a class does not have."""
    abstract = list(getattr(made, "__abstractmethods__", ())) if inspect.isabstract(made) else []
    return abstract + [name for name in _declared(base) if not hasattr(made, name)]


def _declared(base: type) -> list[str]:
    return list(base.__annotations__)


def _require(of: type, missing: list[str]) -> None:
    if missing:
        raise TypeError(f"{of.__name__} does not say: {', '.join(sorted(missing))}")
