"""Which commit the images are made of, and the tag that says so."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from packing import sources

SHORT = 7
# Where there is no commit, so no time of one: 2026-10-01.
NO_COMMIT_EPOCH = 1_790_812_800


@dataclass(frozen=True)
class Identity:
    """Where the sources stand.

    Attributes:
        commit: the one that last changed a file that the images are made of; None outside of git.
        dirty: whether a file is not as in that commit.
        epoch: the commit's time, in seconds.
        content: hash of the files.
    """

    commit: str | None
    dirty: bool
    epoch: int
    content: str

    def tag(self, release: str) -> str:
        """What both images of a release are called.

        The name in front keeps a hash of digits, or one like 12e4567, from being a number in YAML.
        """
        content = self.content[:SHORT]
        if self.commit is None:
            return f"{release}-nogit-{content}"
        tag = f"{release}-{self.commit[:SHORT]}"
        return f"{tag}-dirty-{content}" if self.dirty else tag


def identify(root: Path, content: str) -> Identity:
    """The identity of the sources in ``root``, whose files have this content."""
    fields = (_git(root, "log", "-1", "--format=%H %ct") or "").split()
    if len(fields) != 2:
        return Identity(None, dirty=True, epoch=NO_COMMIT_EPOCH, content=content)
    return Identity(fields[0], dirty=_is_dirty(root), epoch=int(fields[1]), content=content)


def _is_dirty(root: Path) -> bool:
    changed = _git(root, "status", "--porcelain", "--untracked-files=all")
    return changed is None or bool(changed.strip())


def _git(root: Path, *words: str) -> str | None:
    """What git says about the files; None where it knows nothing of them."""
    command = ["git", "-C", str(root), *words, "--", *sources.PARTS]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
