"""Finished builds on disk: whole or not there.

A build writes into a temporary folder beside its final place; the folder is renamed when everything
is in it. A run that was killed leaves only a temporary folder, which the next run removes. A list
of files and sizes written last tells a folder that was damaged later from a good one.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcluster.progress import Progress

STAMP = ".complete.json"


@dataclass(frozen=True)
class Artifact:
    """Something to build once.

    Args:
        name: file name part, for people.
        version: what is built, for people.
        recipe: everything else that the result depends on; a change makes another artifact.
        expected: seconds that building takes on two cores with nothing cached.
    """

    name: str
    version: str
    recipe: str
    expected: float

    @property
    def key(self) -> str:
        """Folder name: name, version and a digest of the recipe."""
        return f"{self.name}-{self.version}-{digest(self.recipe)}"


def digest(*texts: str) -> str:
    """Ten hex digits that change when any of ``texts`` changes."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Store:
    """The folder that holds artifacts."""

    root: Path

    def path(self, artifact: Artifact) -> Path:
        """Where the artifact is, or would be."""
        return self.root / artifact.key

    def has(self, artifact: Artifact) -> bool:
        """Whether the artifact is there with all its files in their recorded sizes."""
        folder = self.path(artifact)
        try:
            recorded = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(recorded, dict) and recorded == _sizes(folder)

    def ensure(
        self, artifact: Artifact, build: Callable[[Path], None], *, progress: Progress
    ) -> Path:
        """The artifact's folder; built by ``build(folder)`` if it is not there or damaged."""
        final = self.path(artifact)
        if self.has(artifact):
            return final
        fresh = self.root / f".building-{artifact.key}"
        for leftover in (fresh, final):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh.mkdir(parents=True)
        what = f"preparing {artifact.name} {artifact.version}"
        with progress.step(what, expected=artifact.expected, planned=True):
            build(fresh)
        (fresh / STAMP).write_text(json.dumps(_sizes(fresh)), encoding="utf-8")
        fresh.rename(final)
        return final

    def missing(self, artifacts: list[Artifact]) -> list[Artifact]:
        """Those that would have to be built."""
        return [artifact for artifact in artifacts if not self.has(artifact)]


def _sizes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.lstat().st_size
        for path in sorted(folder.rglob("*"))
        if path.name != STAMP and (path.is_symlink() or path.is_file())
    }


@contextmanager
def exclusively(path: Path, *, progress: Progress) -> Iterator[None]:
    """Hold the lock at ``path``, so that two runs at the same time do the work once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("waiting for another run to finish ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
