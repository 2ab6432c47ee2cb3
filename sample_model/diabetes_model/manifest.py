"""``manifest.json``: what an artefact says about itself, written by training, read by serving.

The format is published as ``sample_model/manifest.schema.json``; any other model server may write it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from diabetes_model.explanation import Explanation

FILE_NAME = "manifest.json"
FORMAT: Final = "davylamp.dev/manifest/v1"

# Snake case here, camel case in the file; fields that a later version adds are ignored.
_JSON = ConfigDict(
    alias_generator=to_camel,
    validate_by_name=True,
    validate_by_alias=True,
    allow_inf_nan=False,
    extra="ignore",
)
Row = Mapping[str, float | None]


class ManifestError(ValueError):
    """The file is no manifest of this format; the message names the first key that is wrong."""


@dataclass(frozen=True, slots=True, config=_JSON)
class Image:
    """The image that carries the artefact; ``dirty``: built from more than the commit has."""

    tag: str
    commit: str
    dirty: bool
    base: str


@dataclass(frozen=True, slots=True, config=_JSON)
class FeatureSnapshot:
    """What was trained on; ``schema_sha256`` is of the data contract inside the file."""

    id: str
    sha256: str
    schema_sha256: str


@dataclass(frozen=True, slots=True, config=_JSON)
class Timing:
    """When (RFC 3339) and how long: the only part that differs between two runs on one machine."""

    started_at: str
    seconds: float


@dataclass(frozen=True, slots=True, config=_JSON)
class Group:
    """A metric of one group, and of how many rows."""

    value: float
    rows: int


@dataclass(frozen=True, slots=True, config=_JSON)
class GroupGap:
    """A metric by group, the largest difference between two of them, and what it may be at most.

    ``threshold`` is the prediction above which a row counts as selected, for ``selectionRate``.
    """

    by: str
    part: str
    metric: str
    groups: Mapping[str, Group]
    gap: float
    max: float
    threshold: float | None = None

    @property
    def breached(self) -> bool:
        """Whether the gap is out of bounds."""
        return self.gap > self.max


@dataclass(frozen=True, slots=True, config=_JSON)
class Request:
    """The body of ``/predict`` and ``/explain``."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, config=_JSON)
class Golden:
    """A request that the training run answered, for whoever checks a server; all in order of rows."""

    request: Request
    predictions: tuple[float, ...]
    explanations: tuple[Explanation, ...]


@dataclass(frozen=True, slots=True, config=_JSON)
class ExplanationBaseline:
    """What explanations looked like in training, over the rows of the snapshot.

    ``shares`` is the mean share of each feature in the absolute contributions, and sums to 1.
    """

    rows: int
    expected_value: float
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True, config=_JSON)
class Manifest:
    """The claims of one training run.

    ``artefacts`` maps file names to their sha256, ``metrics`` is by data part and score,
    ``environment`` what was pinned, ``machine`` what was found; ``tolerance`` is relative.
    """

    model: str
    image: Image
    feature_snapshot: FeatureSnapshot
    seed: int
    seeds: Mapping[str, int]
    hyperparameters: Mapping[str, str | float]
    steps: tuple[str, ...]
    lock_sha256: str
    libraries: Mapping[str, str]
    environment: Mapping[str, str]
    machine: Mapping[str, str]
    timing: Timing
    artefacts: Mapping[str, str]
    rows: Mapping[str, int]
    metrics: Mapping[str, Mapping[str, float]]
    bias: tuple[GroupGap, ...]
    golden: tuple[Golden, ...]
    tolerance: float
    explanation_baseline: ExplanationBaseline
    format: Literal["davylamp.dev/manifest/v1"] = FORMAT

    def document(self) -> dict[str, Any]:
        """The manifest as JSON types, in the keys of the published format."""
        body: dict[str, Any] = _ADAPTER.dump_python(
            self, mode="json", by_alias=True, exclude_none=False
        )
        return {"format": body.pop("format"), **body}

    def write(self, directory: Path) -> None:
        """Writes the file; equal manifests give equal bytes."""
        text = json.dumps(self.document(), indent=2, allow_nan=False)
        (directory / FILE_NAME).write_text(text + "\n")

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Reads the file.

        Raises:
            ManifestError: the file has another format, or a key is missing or of another type.
        """
        return cls.parse((directory / FILE_NAME).read_bytes())

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Reads the file's content; raises like ``read``."""
        try:
            manifest: Self = _ADAPTER.validate_json(content, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "file"
            raise ManifestError(f"{FILE_NAME}: {place}: {first['msg']}") from error
        return manifest


_ADAPTER: TypeAdapter[Any] = TypeAdapter(Manifest)
