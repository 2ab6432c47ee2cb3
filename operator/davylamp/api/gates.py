"""What is measured during a canary: the gates of `spec.rollout.gates`.

A gate has one field for each kind in the registry, and exactly one of them is set.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, create_model, model_validator

from davylamp.gates.kinds.base import AnyKind, OnFail
from davylamp.gates.kinds.registry import KINDS, kind_of
from davylamp.gates.values import UserQuery
from davylamp.schema.models import Strict
from davylamp.schema.written import cel, written

__all__ = ["ONE_KIND", "Gate", "OnFail", "gate_of"]

ONE_KIND: Final = (
    " + ".join(f"(has(self.{kind.name}) ? 1 : 0)" for kind in KINDS) + " == 1",
    f"a gate needs exactly one of {', '.join(kind.name for kind in KINDS)}",
)


_OTHER_DEFAULTS: Final = "".join(
    f", but {kind.default_action} for {kind.name}"
    for kind in KINDS
    if kind.default_action is not OnFail.ROLLBACK
)


class GateBase(Strict):
    """One thing that is measured and may roll the canary back."""

    model_config = ConfigDict(json_schema_extra=cel(ONE_KIND))

    name: Annotated[
        str, written(r"^[a-z]([-a-z0-9]*[a-z0-9])?$", "must be a name such as slow-1")
    ] = Field(
        max_length=40,
        description="Name of the gate in status, events and metrics.",
    )
    on_fail: OnFail | None = Field(
        default=None,
        description=(
            "Rollback rolls the canary back, Pause waits for a user, Warn only reports. Default "
            f"Rollback{_OTHER_DEFAULTS}."
        ),
    )

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        """The same as ONE_KIND, for specs that come from elsewhere than the API server."""
        if sum(getattr(self, kind.field) is not None for kind in KINDS) != 1:
            raise ValueError(ONE_KIND[1])
        return self

    @property
    def kind(self) -> AnyKind:
        """What is measured."""
        return kind_of(self.settings)

    @property
    def settings(self) -> Strict:
        """The settings of its kind."""
        settings: Strict = next(filter(None, (getattr(self, kind.field) for kind in KINDS)))
        return settings

    @property
    def action(self) -> OnFail:
        """What happens when it fails."""
        return self.on_fail or self.kind.default_action

    @property
    def is_bounded(self) -> bool:
        """Whether it bounds false rollbacks."""
        return self.kind.is_bounded(self.settings)

    @property
    def user_query(self) -> UserQuery | None:
        """The query that gives its values, where it is not judged by pods' counters."""
        return self.kind.user_query(self.settings)


def _fields() -> dict[str, Any]:
    return {
        kind.field: (
            kind.spec | None,
            Field(
                default=None,
                description=kind.description,
                json_schema_extra=cel(*kind.validations),
            ),
        )
        for kind in KINDS
    }


if TYPE_CHECKING:
    Gate = GateBase
else:
    Gate = create_model(
        "Gate", __base__=GateBase, __module__=__name__, __doc__=GateBase.__doc__, **_fields()
    )


def gate_of(name: str, settings: Strict, on_fail: OnFail | None = None) -> Gate:
    """A gate with the settings of one kind."""
    return Gate.model_validate(
        {"name": name, "on_fail": on_fail, kind_of(settings).field: settings}
    )
