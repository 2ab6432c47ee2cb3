"""What is reproduced: a release, its images, and the arguments of its training run."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packing import engine
from packing.plan import Claims, Kind
from reproduce.errors import ReproduceError

SAMPLE_MODEL = Path(__file__).resolve().parents[1]
TOLD = 2000


@dataclass(frozen=True, slots=True)
class Subject:
    """A release whose images have this tag; ``labels`` are the serving image's."""

    release: str
    tag: str
    claims: Claims
    labels: Mapping[str, str]

    def image(self, kind: Kind) -> str:
        """The full name of one of the images."""
        return f"{kind.repository}:{self.tag}"

    @property
    def release_file(self) -> str:
        """Relative to the folder of the sample model, and to the image's."""
        return f"releases/{self.release}.toml"

    def training(self, *, snapshot: str, out: str) -> list[str]:
        """Arguments of a run that says of itself what the image's run says."""
        base = self.labels.get("org.opencontainers.image.base.name", "unknown")
        digest = self.labels.get("org.opencontainers.image.base.digest")
        dirty = self.labels.get("dev.davylamp.dirty") == "true"
        return [
            *("train", "--release", self.release_file, "--snapshot", snapshot, "--out", out),
            *("--seed", str(self.claims.seed), "--tag", self.tag),
            *("--commit", self.labels.get("org.opencontainers.image.revision", "unknown")),
            *("--base-image", f"{base}@{digest}" if digest else base),
            *(["--dirty"] if dirty else []),
        ]


def build(release: str, base_image: str | None) -> Subject:
    """Builds both images of a release unless they are there.

    Raises:
        ReproduceError: they cannot be built; the message has the end of what the builder said.
    """
    with tempfile.TemporaryDirectory() as folder:
        tags = Path(folder) / "tags"
        base = ["--base-image", base_image] if base_image else []
        script = str(SAMPLE_MODEL / "build.py")
        command = [sys.executable, script, *base, "--tags", str(tags), release]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ReproduceError(f"the images could not be built\n{done.stderr[-TOLD:]}")
        tag = tags.read_text(encoding="utf-8").strip().partition("=")[2]
    labels = engine.labels(f"{Kind.SERVING.repository}:{tag}")
    claims = Claims.read(SAMPLE_MODEL / f"releases/{release}.toml")
    return Subject(release, tag, claims, labels)
