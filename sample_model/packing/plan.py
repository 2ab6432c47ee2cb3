"""What to build for a release: names, build arguments and labels of both images."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from packing.base import Base
from packing.identity import Identity

MODEL = "diabetes-risk"
SOURCE_LABEL = "dev.davylamp.source"


class Kind(Enum):
    """The two images of a release, by their stage in the Dockerfile."""

    TRAINING = "training"
    SERVING = "serving"

    @property
    def repository(self) -> str:
        """Name of the image without its tag."""
        return f"davylamp/{MODEL}{'-training' if self is Kind.TRAINING else ''}"

    @property
    def title(self) -> str:
        """For people."""
        return f"{MODEL} {self.value}"


@dataclass(frozen=True)
class Claims:
    """What the release's file says, and the manifest in the image will say."""

    snapshot: str
    snapshot_sha256: str | None
    seed: int

    @classmethod
    def read(cls, path: Path) -> "Claims":
        """Reads a release file.

        Raises:
            KeyError: a key is missing; the training run would fail as well.
        """
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        snapshot = document["snapshot"]
        return cls(str(snapshot["id"]), snapshot.get("sha256"), int(document["seed"]))


@dataclass(frozen=True)
class Plan:
    """How to build both images of one release.

    Attributes:
        epoch: the time that the images say they are of, in seconds.
        url: where the sources are published, if anywhere.
    """

    release: str
    identity: Identity
    base: Base
    claims: Claims
    epoch: int
    url: str | None = None

    @property
    def tag(self) -> str:
        """The tag of both images."""
        return self.identity.tag(self.release)

    @property
    def source(self) -> str:
        """Hash of everything that the images follow from: equal means up to date."""
        facts = (self.identity.content, self.base.id, self.tag, self.epoch)
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def image(self, kind: Kind) -> str:
        """The full name of an image."""
        return f"{kind.repository}:{self.tag}"

    def arguments(self) -> dict[str, str]:
        """The build arguments, the same for both images so that they share the training run."""
        return {
            "BASE_IMAGE": self.base.asked,
            "RELEASE": self.release,
            "TAG": self.tag,
            "COMMIT": self.identity.commit or "unknown",
            "DIRTY": str(self.identity.dirty).lower(),
            "BASE": self.base.pinned,
            "SOURCE_DATE_EPOCH": str(self.epoch),
        }

    def labels(self, kind: Kind) -> dict[str, str]:
        """OCI's labels, and the manifest's claims for those who cannot run the image."""
        return _said(
            {
                "org.opencontainers.image.title": kind.title,
                "org.opencontainers.image.version": self.tag,
                "org.opencontainers.image.revision": self.identity.commit,
                "org.opencontainers.image.created": _rfc3339(self.epoch),
                "org.opencontainers.image.source": self.url,
                "org.opencontainers.image.licenses": "Apache-2.0",
                "org.opencontainers.image.base.name": self.base.name,
                "org.opencontainers.image.base.digest": self.base.digest,
                "dev.davylamp.model": MODEL,
                "dev.davylamp.release": self.release,
                "dev.davylamp.dirty": str(self.identity.dirty).lower(),
                "dev.davylamp.snapshot": self.claims.snapshot,
                "dev.davylamp.snapshot.sha256": self.claims.snapshot_sha256,
                "dev.davylamp.seed": str(self.claims.seed),
                SOURCE_LABEL: self.source,
            }
        )

    def options(self, kind: Kind) -> list[str]:
        """The options of ``docker build``."""
        return [
            f"--target={kind.value}",
            *_each("--build-arg", self.arguments()),
            *_each("--label", self.labels(kind)),
        ]


def _said(facts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value is not None}


def _each(option: str, values: Mapping[str, str]) -> Iterable[str]:
    return (f"{option}={name}={value}" for name, value in values.items())


def _rfc3339(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z")
