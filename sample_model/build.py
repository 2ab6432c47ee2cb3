"""Trains and builds the images of all releases; needs Python and Docker only.

    python3 sample_model/build.py [--base-image IMAGE] [--print] [RELEASE...]

Prints one ``release=tag`` line per release on stdout, progress on stderr. A tag names the content
that the image is made of: the release's file, the code, the locked requirements and the Dockerfile.
An image that was built from this content and this base is not built again.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = "davylamp/diabetes-risk"
BASE_IMAGE = "python:3.13-slim-bookworm"
SOURCE_LABEL = "dev.davylamp.source"
SHARED = ("Dockerfile", "requirements/*.txt", "diabetes_model/**/*.py", "traffic/traffic.py")


@dataclass(frozen=True)
class Build:
    """One image to make."""

    release: str
    tag: str
    base_image: str
    source: str

    @property
    def image(self) -> str:
        """The image's full name."""
        return f"{REPOSITORY}:{self.tag}"


class BuildError(RuntimeError):
    """The image could not be built; the message is for people."""


def releases() -> list[str]:
    """The names of all releases."""
    return sorted(path.stem for path in (HERE / "releases").glob("*.toml"))


def content_hash(release: str) -> str:
    """What the image of a release is made of, in hex."""
    paths = [path for pattern in SHARED for path in HERE.glob(pattern)]
    digest = hashlib.sha256()
    for path in (*sorted(paths), HERE / "releases" / f"{release}.toml"):
        digest.update(f"{path.relative_to(HERE).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def tag_of(release: str) -> str:
    """The release's name and the start of its content hash.

    The name in front keeps a hash of digits, or one like 12e4567, from being a number in YAML.
    """
    return f"{release}-{content_hash(release)[:7]}"


def prepare(release: str, base_image: str) -> Build:
    """What to build; the base image counts by its content once it is there."""
    base = _inspect(base_image, "{{.Id}}") or base_image
    source = hashlib.sha256(f"{content_hash(release)} {base}".encode()).hexdigest()
    return Build(release, tag_of(release), base_image, source)


def build(chosen: Build) -> None:
    """Builds one image unless it is there."""
    if _label(chosen.image) == chosen.source:
        _say(f"{chosen.image} is up to date")
        return
    begun = time.monotonic()
    _say(f"building {chosen.image} on {chosen.base_image}")
    arguments = {
        "BASE_IMAGE": chosen.base_image,
        "RELEASE": chosen.release,
        "TAG": chosen.tag,
        "COMMIT": _commit(),
        "SOURCE": chosen.source,
    }
    options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    command = ["docker", "build", "--tag", chosen.image, *options, str(HERE)]
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    if done.returncode:
        raise BuildError(f"docker build of {chosen.image} failed with code {done.returncode}")
    if tag_of(chosen.release) != chosen.tag:
        raise BuildError(f"files changed while {chosen.image} was built: build again")
    _say(f"built {chosen.image} in {time.monotonic() - begun:.0f} s")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs; 1 with one line on stderr if an image cannot be built."""
    options = _options(arguments)
    try:
        for release in options.releases or releases():
            if not options.print:
                build(prepare(release, options.base_image))
            sys.stdout.write(f"{release}={tag_of(release)}\n")
            sys.stdout.flush()
    except (BuildError, OSError) as error:
        _say(str(error))
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Builds the sample model's images.")
    parser.add_argument("releases", nargs="*", metavar="RELEASE", help="default: all")
    parser.add_argument("--base-image", default=BASE_IMAGE)
    parser.add_argument("--print", action="store_true", help="only print the tags")
    options = parser.parse_args(arguments)
    unknown = set(options.releases) - set(releases())
    if unknown:
        parser.error(f"unknown release {', '.join(sorted(unknown))}")
    return options


def _label(image: str) -> str | None:
    labels = json.loads(_inspect(image, "{{json .Config.Labels}}") or "null") or {}
    found = labels.get(SOURCE_LABEL)
    return None if found is None else str(found)


def _inspect(image: str, template: str) -> str:
    command = ["docker", "image", "inspect", "--format", template, image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _commit() -> str:
    command = ["git", "-C", str(HERE), "log", "-1", "--format=%H", "--", "."]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
