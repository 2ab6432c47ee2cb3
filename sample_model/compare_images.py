"""Says whether two images have the same content; neither is run.

    python3 sample_model/compare_images.py IMAGE IMAGE

Compares both root file systems by path, type, mode, owner, link target and sha256, and what the
images say of how they are run. Times of files are not content. A model's ``manifest.json`` is compared
without its part ``timing``. Prints every difference; exit code 1 if there is one, 2 if an image is
missing.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

CHUNK = 2**20
MANIFEST = "manifest.json"
MOST_LINES = 40
# Of an image's configuration: what a container of it would see.
RUN_BY = ("Env", "Entrypoint", "Cmd", "WorkingDir", "User", "ExposedPorts", "Volumes", "Labels")


class ImageError(RuntimeError):
    """The engine has no such image; the message is for people."""


@dataclass(frozen=True)
class Entry:
    """One path of a root file system."""

    kind: str
    mode: str
    owner: str
    link: str
    content: str

    def differences(self, other: "Entry") -> str:
        """What is not equal, with both values."""
        pairs = ((n, getattr(self, n), getattr(other, n)) for n in self.__dataclass_fields__)
        return ", ".join(f"{name} {was} / {now}" for name, was, now in pairs if was != now)


def entries(stream: IO[bytes]) -> dict[str, Entry]:
    """The entries of a tar stream by path."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        return {member.name: _entry(archive, member) for member in archive}


def compare(was: Mapping[str, Entry], now: Mapping[str, Entry]) -> list[str]:
    """One line per path that differs."""
    lines = [f"only in the first: {path}" for path in sorted(was.keys() - now.keys())]
    lines += [f"only in the second: {path}" for path in sorted(now.keys() - was.keys())]
    both = sorted(was.keys() & now.keys())
    lines += [f"{p}: {was[p].differences(now[p])}" for p in both if was[p] != now[p]]
    return lines


def compare_run_by(was: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """One line per setting of the images that differs."""
    pairs = ((name, was.get(name), now.get(name)) for name in RUN_BY)
    return [f"image setting {n}: {a} / {b}" for n, a, b in pairs if a != b]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares; returns the exit code."""
    parser = argparse.ArgumentParser(description="Compares the content of two images.")
    parser.add_argument("images", nargs=2, metavar="IMAGE")
    images = parser.parse_args(arguments).images
    try:
        run_by = [_run_by(image) for image in images]
        roots = [_root(image) for image in images]
    except ImageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    lines = [*compare_run_by(*run_by), *compare(*roots)]
    for line in lines[:MOST_LINES]:
        sys.stdout.write(f"{line}\n")
    if lines[MOST_LINES:]:
        sys.stdout.write(f"... and {len(lines) - MOST_LINES} more\n")
    sys.stdout.write(_verdict(images, len(roots[0]), len(lines)))
    return 1 if lines else 0


def _verdict(images: Sequence[str], paths: int, differences: int) -> str:
    said = f"{differences} differences" if differences else "the same content"
    return f"{images[0]} and {images[1]}: {said}, {paths} paths compared\n"


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    file = archive.extractfile(member) if member.isreg() else None
    return Entry(
        kind=member.type.decode(),
        mode=f"{member.mode:o}",
        owner=f"{member.uid}:{member.gid}",
        link=member.linkname,
        content=_content(member.name, file) if file else "",
    )


def _content(name: str, file: IO[bytes]) -> str:
    if name.rpartition("/")[2] == MANIFEST:
        return hashlib.sha256(_without_timing(file.read())).hexdigest()
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _without_timing(content: bytes) -> bytes:
    document = json.loads(content)
    if isinstance(document, dict):
        document.pop("timing", None)
    return json.dumps(document).encode()


def _run_by(image: str) -> dict[str, object]:
    command = ["docker", "image", "inspect", "--format", "{{json .Config}}", image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageError(f"{image}: {done.stderr.strip()}")
    found: dict[str, object] = json.loads(done.stdout)
    return found


def _root(image: str) -> dict[str, Entry]:
    with (
        _container(image) as container,
        subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export,
    ):
        assert export.stdout is not None
        return entries(export.stdout)


@contextmanager
def _container(image: str) -> Iterator[str]:
    """A container that is never started."""
    command = ["docker", "create", image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageError(f"{image}: {done.stderr.strip()}")
    container = done.stdout.strip()
    try:
        yield container
    finally:
        subprocess.run(["docker", "rm", container], capture_output=True, check=True)


if __name__ == "__main__":
    sys.exit(main())
