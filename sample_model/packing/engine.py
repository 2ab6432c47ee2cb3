"""The Docker engine: inspect and build."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


class BuildError(RuntimeError):
    """The image could not be built; the message is for people."""


def inspect(image: str, template: str) -> str:
    """One fact about an image; empty if the engine has no such image."""
    command = ["docker", "image", "inspect", "--format", template, image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def labels(image: str) -> dict[str, str]:
    """The labels of an image; none if the engine has no such image."""
    return json.loads(inspect(image, "{{json .Config.Labels}}") or "null") or {}


def build(image: str, context: Path, options: list[str]) -> None:
    """Builds; progress goes to stderr.

    Raises:
        BuildError: it failed.
    """
    command = ["docker", "build", "--tag", image, *options, str(context)]
    done = subprocess.run(command, env=_environment(), stdout=sys.stderr, check=False)
    if done.returncode:
        raise BuildError(f"docker build of {image} failed with code {done.returncode}")


def remove(image: str) -> None:
    """Takes the name away, and what nothing else is made of."""
    subprocess.run(["docker", "image", "rm", image], stdout=sys.stderr, check=False)


def _environment() -> Mapping[str, str]:
    """Without the plugin for BuildKit, a client that prefers it does not build at all."""
    command = ["docker", "buildx", "version"]
    has_buildx = subprocess.run(command, capture_output=True, check=False).returncode == 0
    return os.environ if has_buildx else {**os.environ, "DOCKER_BUILDKIT": "0"}
