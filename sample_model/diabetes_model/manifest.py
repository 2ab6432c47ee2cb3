"""``manifest.json``: what an artefact says about itself, written by training, read by serving."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

FILE_NAME = "manifest.json"
FORMAT = "davylamp.dev/manifest/v1"


@dataclass(frozen=True, slots=True)
class Golden:
    """A request that the training run answered, and its answer, for whoever checks the server."""

    row: Mapping[str, float | None]
    prediction: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """The claims of one training run.

    ``artefacts`` maps file names to their sha256, ``metrics`` is by data part and score.
    """

    model: str
    tag: str
    commit: str
    snapshot_id: str
    snapshot_sha256: str
    seed: int
    hyperparameters: Mapping[str, str | float]
    steps: tuple[str, ...]
    libraries: Mapping[str, str]
    environment: Mapping[str, str]
    rows: Mapping[str, int]
    metrics: Mapping[str, Mapping[str, float]]
    baseline: float
    artefacts: Mapping[str, str]
    golden: tuple[Golden, ...]

    def document(self) -> dict[str, Any]:
        """The manifest as JSON types."""
        return {"format": FORMAT, **asdict(self)}

    def write(self, directory: Path) -> None:
        """Writes the file; equal manifests give equal bytes."""
        text = json.dumps(self.document(), indent=2, sort_keys=True, allow_nan=False)
        (directory / FILE_NAME).write_text(text + "\n")

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Reads the file.

        Raises:
            ValueError: the file has another format.
        """
        document = json.loads((directory / FILE_NAME).read_text())
        if document.pop("format", None) != FORMAT:
            raise ValueError(f"{FILE_NAME} is not of format {FORMAT}")
        golden = tuple(Golden(**entry) for entry in document.pop("golden"))
        steps = tuple(document.pop("steps"))
        return cls(golden=golden, steps=steps, **document)
