"""Puts a report where people find it: a local directory, or any store that fsspec knows."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import fsspec

PROTOCOLS = ("s3", "gs")
FILE = "file://"


class PublishError(RuntimeError):
    """The report cannot be written there."""


def publish(target: str, name: str, files: Mapping[str, bytes]) -> str:
    """Writes the files to ``<target>/<name>/``; returns that place.

    A local directory appears whole or not at all. A store gets the files one by one, in the order
    given: whoever waits for the last one finds all of them.

    Raises:
        PublishError: naming the place and the reason.
    """
    protocol, separator, _ = target.partition("://")
    local = not separator or protocol == "file"
    if not local and protocol not in PROTOCOLS:
        raise PublishError(f"{target}: a report goes to {', '.join(('file', *PROTOCOLS))} only")
    place = f"{target.rstrip('/')}/{name}"
    try:
        if local:
            _write_directory(Path(place.removeprefix(FILE)), files)
        else:
            _upload(place, files)
    except Exception as error:  # every protocol has errors of its own
        raise PublishError(f"no report in {place}: {type(error).__name__}: {error}") from error
    return place


def _write_directory(place: Path, files: Mapping[str, bytes]) -> None:
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    unfinished.mkdir(parents=True)
    try:
        for name, content in files.items():
            (unfinished / name).write_bytes(content)
        unfinished.rename(place)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _upload(place: str, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        with fsspec.open(f"{place}/{name}", "wb") as file:
            file.write(content)
