"""What is measured during a canary: the gates of `spec.rollout.gates`."""

from enum import StrEnum
from typing import Final, Self

from pydantic import ConfigDict, Field, model_validator

from davylamp.api.gate_kinds import (
    ErrorRate,
    ExplanationShares,
    GroupGap,
    Latency,
    Predictions,
    Query,
)
from davylamp.schema.models import Strict, cel

_AT_LEAST_1: Final = (
    "!has(self.ratio) || double(self.ratio) >= 1.0",
    "ratio must be at least 1: a canary as good as stable must pass",
)
_MAX_WITHIN: Final = (
    "self.max.matches('[1-9]') && self.max != '100%'",
    "max must lie between 0% and 100%",
)


_BURST: Final = (
    "!has(self.burst) || double(self.burst) >= 1.0",
    "burst must be at least 1",
)
_ABOVE_0: Final = ("self.distance.matches('[1-9]')", "distance must lie between 0 and 1")

GATE_KINDS: Final = ("errorRate", "latency", "predictions", "explanations", "bias", "query")
ONE_KIND: Final = (
    " + ".join(f"(has(self.{kind}) ? 1 : 0)" for kind in GATE_KINDS) + " == 1",
    f"a gate needs exactly one of {', '.join(GATE_KINDS)}",
)


class OnFail(StrEnum):
    """What a failed gate does."""

    ROLLBACK = "Rollback"
    PAUSE = "Pause"
    WARN = "Warn"


class Gate(Strict):
    """One thing that is measured and may take the canary back."""

    model_config = ConfigDict(json_schema_extra=cel(ONE_KIND))

    name: str = Field(
        min_length=1,
        max_length=40,
        pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
        description="Name of the gate in status, events and metrics.",
    )
    on_fail: OnFail | None = Field(
        default=None,
        description=(
            "Rollback takes the canary back, Pause waits for a person, Warn only tells. Default "
            "Rollback, but Pause for explanations."
        ),
    )
    error_rate: ErrorRate | None = Field(
        default=None,
        description="Judge by failed requests.",
        json_schema_extra=cel(
            (
                "self.method != 'Threshold' || (has(self.window) && has(self.failures))",
                "method Threshold needs window and failures",
            ),
            (
                "self.method != 'Sequential' || (!has(self.window) && !has(self.failures))",
                "window and failures belong to method Threshold; Sequential needs neither",
            ),
            (
                "self.method != 'Threshold' || !has(self.ratio)",
                "ratio belongs to method Sequential; Threshold does not compare with stable",
            ),
            (
                "self.method != 'Threshold' || (!has(self.burst) && !has(self.minBlocks))",
                "burst and minBlocks belong to method Sequential",
            ),
            _MAX_WITHIN,
            ("!has(self.window) || self.window.matches('[1-9]')", "window must be above 0s"),
            _AT_LEAST_1,
            _BURST,
        ),
    )
    latency: Latency | None = Field(
        default=None,
        description="Judge by slow answers.",
        json_schema_extra=cel(
            _MAX_WITHIN,
            _AT_LEAST_1,
            ("!has(self.over) || self.over.matches('[1-9]')", "over must be above 0ms"),
            _BURST,
        ),
    )
    predictions: Predictions | None = Field(
        default=None,
        description="Judge by the distribution of the predictions.",
        json_schema_extra=cel(_ABOVE_0, _BURST),
    )
    explanations: ExplanationShares | None = Field(
        default=None,
        description="Judge by the features that matter.",
        json_schema_extra=cel(_ABOVE_0, _BURST),
    )
    bias: GroupGap | None = Field(
        default=None,
        description="Judge by the gap between groups.",
        json_schema_extra=cel(
            ("self.max.matches('[1-9]')", "max must lie between 0 and 1"), _BURST
        ),
    )
    query: Query | None = Field(
        default=None,
        description="Judge by a query of your own.",
        json_schema_extra=cel(
            (
                "has(self.min) || has(self.max) || has(self.ratio)",
                "a query needs min, max or ratio",
            ),
            (
                "!has(self.ratio) || self.promql.matches('[{][{] *(pods|revision) *[}][}]')",
                "a query with ratio has to use {{ pods }} or {{ revision }}, to be asked of both",
            ),
            (
                "!(has(self.min) && has(self.max)) || double(self.min) <= double(self.max)",
                "min must not be above max",
            ),
            ("!has(self.ratio) || double(self.ratio) > 0.0", "ratio must be above 0"),
            ("self.interval.matches('[1-9]')", "interval must be above 0s"),
        ),
    )

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        """The same as ONE_KIND, for specs that come from elsewhere than the API server."""
        kinds = [self.error_rate, self.latency, self.predictions, self.explanations, self.bias]
        if sum(kind is not None for kind in (*kinds, self.query)) != 1:
            raise ValueError(ONE_KIND[1])
        return self

    @property
    def action(self) -> OnFail:
        """What happens when it fails."""
        return self.on_fail or (OnFail.PAUSE if self.explanations else OnFail.ROLLBACK)
