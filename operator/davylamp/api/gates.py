"""What is measured during a canary: the gates of `spec.rollout.gates`."""

from enum import StrEnum
from typing import Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from davylamp.api.base import Strict, cel
from davylamp.api.quantities import Decimal, Duration, Percent, Ratio, Share, ShortDuration

_AT_LEAST_1: Final = (
    "!has(self.ratio) || double(self.ratio) >= 1.0",
    "ratio must be at least 1: a canary as good as stable must pass",
)
_MAX_WITHIN: Final = (
    "self.max.matches('[1-9]') && self.max != '100%'",
    "max must lie between 0% and 100%",
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


class Reference(StrEnum):
    """What explanations are compared with."""

    STABLE = "Stable"
    BASELINE = "Baseline"


class ErrorRate(Strict):
    """Judges the canary by the share of its requests that fail."""

    method: Literal["Sequential", "Threshold"] = Field(
        default="Sequential",
        description=(
            "Sequential compares the canary with stable at the same time by an anytime-valid "
            "test with bounded false rollbacks. Threshold is the classic fixed limit per window."
        ),
    )
    max: Percent = Field(
        default="1%",
        description="Error share that is tolerated in any case; below it nothing is rolled back.",
    )
    ratio: Ratio | None = Field(
        default=None,
        description="Sequential: how many times stable's error odds are tolerated. Default 1.5.",
    )
    burst: Ratio | None = Field(
        default=None,
        description=(
            "Sequential: how many errors of one revision belong together (retries, batches). "
            "Default: estimated from stable before the canary."
        ),
    )
    min_blocks: int | None = Field(
        default=None,
        ge=1,
        le=20,
        description=(
            "Sequential: blocks of about one scrape that must agree before a rollback, so the "
            "longest blip that is tolerated. Default 2."
        ),
    )
    failures: int | None = Field(
        default=None, ge=1, le=100, description="Threshold: failed windows that roll back."
    )
    window: Duration | None = Field(
        default=None, description="Threshold: length of one judged window, for example 1m."
    )


class Latency(Strict):
    """Judges the canary by how long its answers take, from a histogram."""

    over: ShortDuration | None = Field(
        default=None,
        description=(
            "Answers that take longer are slow, for example 250ms; it has to be a boundary of the "
            "histogram. Without it only the comparison with stable counts."
        ),
    )
    max: Percent = Field(
        default="1%", description="Share of slow answers that is tolerated in any case."
    )
    ratio: Ratio | None = Field(
        default=None,
        description="How many times stable's odds of a slow answer are tolerated. Default 1.25.",
    )
    tolerance: int = Field(
        default=0,
        ge=0,
        le=10,
        description="Histogram buckets by which the canary may be slower than stable.",
    )
    warm_up: Duration = Field(
        default="30s", description="Time after the start of a pod in which it is not judged."
    )


class Predictions(Strict):
    """Judges the canary by how its predictions are distributed beside stable's."""

    distance: Share = Field(
        default="0.1", description="Distance in [0, 1] that is tolerated, for example 0.1."
    )
    measure: Literal["TotalVariation", "Wasserstein"] = Field(
        default="TotalVariation",
        description=(
            "TotalVariation: share of predictions that fall elsewhere. Wasserstein: how far they "
            "move, as a part of the histogram's range; for scores with an order."
        ),
    )


class ExplanationShares(Strict):
    """Judges the canary by how much each feature matters in its explanations."""

    distance: Share = Field(
        default="0.1", description="Distance in [0, 1] that is tolerated, for example 0.1."
    )
    against: tuple[Reference, ...] = Field(
        default=tuple(Reference),
        min_length=1,
        max_length=len(Reference),
        description=(
            "Stable: stable's explanations at the same time. Baseline: the shares of training, "
            "from the image's manifest. With both, only explanations that are far from both fail."
        ),
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )


class GroupGap(Strict):
    """Judges the canary by how differently groups of people are treated."""

    outcome: Literal["Positive", "Error"] = Field(
        default="Positive", description="Share that is compared: of positive answers or of errors."
    )
    max: Share = Field(
        default="0.1", description="Gap between two groups that is tolerated in any case."
    )
    increase: Share = Field(
        default="0.05", description="How much larger than stable's the gap may be."
    )


class Query(Strict):
    """Judges the canary by a PromQL query of your own."""

    promql: str = Field(
        min_length=1,
        max_length=4000,
        description=(
            "Query for one number. {{ namespace }}, {{ model }}, {{ revision }}, {{ pods }}, "
            "{{ candidateRevision }}, {{ candidatePods }}, {{ stableRevision }}, {{ stablePods }} "
            "and {{ interval }} are filled in, escaped for a string in double quotes; pods are "
            "regular expressions."
        ),
    )
    min: Decimal | None = Field(default=None, description="Smallest value that is good.")
    max: Decimal | None = Field(default=None, description="Largest value that is good.")
    ratio: Ratio | None = Field(
        default=None,
        description=(
            "How many times stable's value of the same query is tolerated; the query has to use "
            "{{ pods }} or {{ revision }}. With max, a bad value is beyond both."
        ),
    )
    failures: int = Field(default=3, ge=1, le=100, description="Bad values in all that fail.")
    consecutive_failures: int | None = Field(
        default=None, ge=1, le=100, description="Bad values one after the other that fail."
    )
    interval: Duration = Field(default="15s", description="How often the query is asked.")
    warm_up: Duration = Field(
        default="0s", description="Time after the first canary traffic that is not judged."
    )


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
            ("!has(self.burst) || double(self.burst) >= 1.0", "burst must be at least 1"),
        ),
    )
    latency: Latency | None = Field(
        default=None,
        description="Judge by slow answers.",
        json_schema_extra=cel(
            _MAX_WITHIN,
            _AT_LEAST_1,
            ("!has(self.over) || self.over.matches('[1-9]')", "over must be above 0ms"),
        ),
    )
    predictions: Predictions | None = Field(
        default=None,
        description="Judge by the distribution of the predictions.",
        json_schema_extra=cel(_ABOVE_0),
    )
    explanations: ExplanationShares | None = Field(
        default=None,
        description="Judge by the features that matter.",
        json_schema_extra=cel(_ABOVE_0),
    )
    bias: GroupGap | None = Field(
        default=None,
        description="Judge by the gap between groups.",
        json_schema_extra=cel(("self.max.matches('[1-9]')", "max must lie between 0 and 1")),
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
