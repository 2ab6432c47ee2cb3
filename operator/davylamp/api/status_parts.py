"""Parts of the status: what gates, checks and images say, and conditions."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from davylamp.schema.models import Instant, Reported
from davylamp.schema.pseudonyms import pseudonym_of_stored


class GateRate(Reported):
    """The share of a revision's answers that a gate took for bad."""

    name: str = Field(description="Name of the gate.")
    rate: str = Field(description="Share in [0, 1].")


class GateStatus(Reported):
    """What one gate measures."""

    name: str = Field(description="Name of the gate.")
    verdict: Literal["Pass", "Fail", "Undecided", "Unknown"] = Field(
        description="Unknown means no data, which is neither good nor bad."
    )
    reason: str = Field(description="CamelCase reason.")
    message: str = Field(description="The evidence in a sentence with numbers.")
    requests: int = Field(default=0, description="Canary requests judged.")
    errors: int = Field(default=0, description="Canary requests that failed.")
    stable_requests: int = Field(default=0, description="Stable requests judged.")
    stable_errors: int = Field(default=0, description="Stable requests that failed.")
    log10_e: str = Field(
        default="0",
        description="Evidence that the canary is worse, as log10 of an e-value; 2 means 1 %.",
    )
    effect: str | None = Field(
        default=None, description="Size of the difference, with intervals that hold at any time."
    )
    evidence: str | None = Field(
        default=None, description="Evidence against the canary in words, and how much is enough."
    )
    requests_needed: int | None = Field(
        default=None, description="Canary requests until a decision, if all goes on like this."
    )
    at: Instant = Field(description="When these numbers were written.")


class GateForecast(Reported):
    """What a gate will be able to detect at the present traffic, forecast before the canary."""

    name: str = Field(description="Name of the gate.")
    message: str = Field(description="Traffic and errors of stable, and time until a decision.")
    warning: str | None = Field(default=None, description="What this traffic cannot decide.")


class FeatureShare(Reported):
    """How much a feature matters in the explanations of the training run."""

    feature: Annotated[str, AfterValidator(pseudonym_of_stored)] = Field(
        description="Pseudonym of the feature: `#` and six hex digits of its name's SHA-256."
    )
    share: str = Field(description="Mean share of the absolute contributions, in [0, 1].")


class CheckStatus(Reported):
    """The result of one check before traffic."""

    name: str = Field(description="Name of the check.")
    verdict: Literal["Pass", "Fail", "Unknown"] = Field(
        description="Unknown means that no pod has answered it yet."
    )
    reason: str = Field(description="CamelCase reason.")
    message: str = Field(description="What was compared, with numbers.")
    at: Instant = Field(description="When this was the result.")


class Condition(Reported):
    """A metav1.Condition."""

    type: str = Field(max_length=316, description="Type of the condition.")
    status: Literal["True", "False", "Unknown"] = Field(description="True, False or Unknown.")
    reason: str = Field(max_length=1024, description="CamelCase reason.")
    message: str = Field(
        max_length=32768, description="What happened, why, and the command to type."
    )
    observed_generation: int = Field(
        description="Generation of the spec that this describes.",
        json_schema_extra={"format": "int64"},
    )
    last_transition_time: Instant = Field(description="When status last changed.")


class ImageNote(Reported):
    """What is to be said of the image of a revision that serves or is rolled out."""

    revision: str = Field(description="The revision.")
    reason: str = Field(description="ImageNotPinned or TagMoved.")
    message: str = Field(description="What is known, and what to type.")
    digest: str | None = Field(default=None, description="What its tag points to now.")


class WeightChange(Reported):
    """The share of traffic from one moment on; evidence is recomputed from these."""

    weight: int = Field(description="Weight of the step in percent.")
    share: str = Field(description="Actual share in [0, 1], from the number of ready pods.")
    at: Instant = Field(description="When it was set.")
