"""What runs: image, feature snapshot, secrets, and how the container is run."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from davylamp.schema.json import Json, is_deeper
from davylamp.schema.models import DnsName, Strict
from davylamp.schema.quantities import Quantity
from davylamp.schema.written import cel, written

Repository = Annotated[
    str,
    Field(max_length=255),
    written(
        r"^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$",
        "must be an image repository without tag and digest, such as registry.example/diabetes-risk",
    ),
]

Digest = Annotated[
    str,
    Field(max_length=71),
    written(r"^sha256:[0-9a-f]{64}$", "must be sha256: and 64 hexadecimal digits"),
]
Sha256 = Annotated[
    str,
    Field(max_length=64),
    written(r"^[0-9a-f]{64}$", "must be 64 hexadecimal digits, as sha256sum prints them"),
]


class Image(Strict):
    """The serving image of one model version."""

    repository: Repository = Field(
        description="Image repository without tag, for example registry.example/diabetes-risk.",
    )
    tag: Annotated[
        str,
        written(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "must be an image tag such as 3f2c1ab or v1.2"),
    ] = Field(
        max_length=128,
        description="Image tag, one per commit. `latest` is refused: it does not name one model.",
        json_schema_extra=cel(
            ("self != 'latest'", "latest does not name one model: use the tag of a commit")
        ),
    )
    digest: Digest | None = Field(
        default=None,
        description="Optional content digest; when set the pods run it and the tag is only a label.",
    )
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="When the kubelet pulls the image."
    )
    pull_secrets: tuple[DnsName, ...] = Field(
        default=(),
        max_length=10,
        description="Names of image pull Secrets in the same namespace.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )


class FeatureSnapshot(Strict):
    """The frozen feature data the model was trained on."""

    id: str = Field(min_length=1, max_length=128, description="Name of the snapshot.")
    uri: str | None = Field(
        default=None,
        max_length=2048,
        description="Where the snapshot is stored, as a URI of any scheme. Passed to the model; the "
        "operator never fetches it.",
        json_schema_extra=cel(
            (
                r"self.matches('^[A-Za-z][A-Za-z0-9+.-]*:[^\\s]+$')",
                "must be a URI with its scheme, e.g. s3://bucket/key, dvc://repo/path or models:/name/1",
            )
        ),
    )
    sha256: Sha256 | None = Field(
        default=None,
        description="Content hash of the snapshot.",
    )


class SecretRef(Strict):
    """A Secret the model reads, mounted at /etc/davylamp/secrets/<name>."""

    name: DnsName = Field(description="Name of the Secret in the same namespace.")
    policy: Literal["Follow", "Pin"] = Field(
        default="Follow",
        description=(
            "Follow mounts the Secret itself, so a rotation reaches every revision. Pin copies it "
            "into an immutable Secret of the revision, which is promoted and rolled back with it."
        ),
    )


class Resources(Strict):
    """Compute resources of the model container, as in a pod."""

    requests: dict[str, Quantity] = Field(
        default_factory=dict, max_length=20, description="Guaranteed resources, e.g. cpu: 500m."
    )
    limits: dict[str, Quantity] = Field(
        default_factory=dict, max_length=20, description="Upper bounds, e.g. memory: 512Mi."
    )


DEEPEST_TEMPLATE: Final = 32
"""Levels of an overlay; a pod template has about twelve."""


def _shallow(overlay: object) -> object:
    if is_deeper(overlay, DEEPEST_TEMPLATE):
        raise PydanticCustomError(
            "davylamp", "is nested deeper than {levels} levels", {"levels": DEEPEST_TEMPLATE}
        )
    return overlay


class Serving(Strict):
    """How the model container is run."""

    port: int = Field(default=8080, ge=1, le=65535, description="Port the model listens on.")
    resources: Resources = Field(
        default_factory=Resources, description="Compute resources of the model container."
    )
    template: Annotated[dict[str, Json], BeforeValidator(_shallow)] = Field(
        default_factory=dict,
        description=(
            "Overlay on the generated pod template (metadata and spec), merged as Kubernetes merges "
            "a strategic patch; `$overlay: delete` takes a default away. The model's container is "
            "called `model`."
        ),
        json_schema_extra={"additionalProperties": False},
    )
