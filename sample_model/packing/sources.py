"""The files that the images are made of, and a copy of them that depends on nothing else."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

# Under the folder of the sample model; a folder counts with everything below it.
PARTS = ("Dockerfile", "requirements", "releases", "diabetes_model", "traffic/traffic.py")
IGNORED = "__pycache__"
FILE_MODE, FOLDER_MODE = 0o644, 0o755


def files(root: Path) -> list[Path]:
    """The files, relative to ``root``, in one order everywhere."""
    found = (path for part in PARTS for path in _below(root / part))
    return sorted(path.relative_to(root) for path in found)


def content_hash(root: Path) -> str:
    """What the files say, in hex: names and bytes, neither times nor modes."""
    digest = hashlib.sha256()
    for path in files(root):
        digest.update(f"{path.as_posix()}\0".encode())
        digest.update(hashlib.sha256((root / path).read_bytes()).digest())
    return digest.hexdigest()


def copy(root: Path, target: Path) -> None:
    """Copies the files: a build context in which nothing changes while it is read.

    Modes become the same for everybody, so that no umask of a checkout gets into an image.
    """
    for path in files(root):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target / path)
    for path in _everything(target):
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)


def date(context: Path, epoch: int) -> None:
    """Gives everything in a build context the same time, which files have in the image too."""
    for path in _everything(context):
        os.utime(path, (epoch, epoch))


def _everything(folder: Path) -> list[Path]:
    return [folder, *folder.rglob("*")]


def _below(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    return (p for p in path.rglob("*") if p.is_file() and IGNORED not in p.parts)
