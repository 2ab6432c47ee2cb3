"""The nightly job: does the stable model still explain itself as it did in training?"""

from typing import Annotated, Final, Literal

from pydantic import Field

from davylamp.api.serving import Repository, Resources
from davylamp.schema.models import Strict
from davylamp.schema.written import cel, written


def _cron_field(value: str) -> str:
    """Pattern of one field of a cron schedule, for example `*/15` or `1-5,0`."""
    part = rf"([*]|({value})(-({value}))?)(/[1-9][0-9]?)?"
    return f"{part}(,{part})*"


_CRON: Final = " ".join(
    _cron_field(value)
    for value in (
        "[0-5]?[0-9]",
        "[01]?[0-9]|2[0-3]",
        "0?[1-9]|[12][0-9]|3[01]",
        "0?[1-9]|1[0-2]|[A-Za-z]{3}",
        "[0-6]|[A-Za-z]{3}",
    )
)
"""What the API server accepts as the schedule of a CronJob, except descending ranges."""

Recent = Annotated[
    str,
    Field(max_length=2048),
    written(r"^(s3|gs|https?|file)://\S+$", "must begin with s3://, gs://, https:// or file://"),
]
Report = Annotated[
    str,
    Field(max_length=2048),
    written(r"^(s3|gs|file)://\S+$", "must begin with s3://, gs:// or file://"),
]


class Explanations(Strict):
    """When and how explanations of recent traffic are compared with those of training."""

    schedule: Annotated[
        str,
        written(
            r"^\S+ \S+ \S+ \S+ \S+$", "must be a cron schedule of five fields such as 17 3 * * *"
        ),
    ] = Field(
        default="17 3 * * *",
        max_length=100,
        description="Cron schedule in UTC: minute, hour, day of month, month, day of week.",
        json_schema_extra=cel(
            (
                f"self.matches('^{_CRON}$')",
                "must be a cron schedule: minute, hour, day of month, month, day of week (0 or SUN)",
            )
        ),
    )
    distance: Annotated[
        str, written(r"^0\.[0-9]+$", 'must be a number below 1 in quotes such as "0.1"')
    ] = Field(
        default="0.1",
        max_length=10,
        description=(
            "Total variation distance in (0, 1) that is tolerated between the feature shares of "
            "recent explanations and those of the training run."
        ),
        json_schema_extra=cel(("self.matches('[1-9]')", "must be above 0")),
    )
    on_drift: Literal["Alert", "RejectCandidate"] = Field(
        default="Alert",
        description=(
            "Alert sets a condition and a metric. RejectCandidate also runs the job for each new "
            "revision before it gets traffic, and rolls it back if its explanations drift."
        ),
    )
    repository: Repository | None = Field(
        default=None,
        description=(
            "Repository of the training image, run with the revision's tag. Default: "
            "spec.image.repository with -training appended."
        ),
    )
    recent: Recent | None = Field(
        default=None,
        description=(
            "Parquet with the features of recent traffic, fetched by the job. Default: the job "
            "asks the model server (GET /recent)."
        ),
    )
    report: Report | None = Field(
        default=None,
        description="Where the job writes its report; default: its log and termination message.",
    )
    resources: Resources = Field(
        default_factory=Resources, description="Compute resources of the job's container."
    )
