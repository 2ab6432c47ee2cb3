"""The kinds of gates: what is measured, and what is tolerated."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from davylamp.schema.models import Strict
from davylamp.schema.quantities import Decimal, Duration, Percent, Ratio, Share, ShortDuration


def _belong(what: str, *, default: str) -> str:
    return (
        f"How many {what} of one revision belong together, as rows of a request. Default {default}."
    )


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
    burst: Ratio | None = Field(
        default=None,
        description=_belong(
            "slow answers", default="3: queues, caches and garbage collection slow down several"
        ),
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

    burst: Ratio | None = Field(
        default=None,
        description=_belong("predictions", default="1"),
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
    burst: Ratio | None = Field(
        default=None,
        description=_belong("explanations", default="1"),
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
    burst: Ratio | None = Field(
        default=None,
        description=_belong("rows", default="1"),
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
