"""What a training run left, as facts that can be compared: hashes, and what its log says."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reproduce.errors import ReproduceError
from reproduce.results import Row, Section

SNAPSHOT = "feature snapshot"
FILES = ("model.onnx", "model.skops", "training.log")
LOG_FILE = "training.log"
MANIFEST_FILE = "manifest.json"
MANIFEST = "manifest.json without timing, machine"
# When and where a run was is all that may differ.
INCIDENTAL = ("timing", "machine")
HASH_SHOWN = 16
NOT_PUBLISHED = "-"

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """One training run, or what is published of one: facts by name, and the log."""

    place: str
    facts: Mapping[str, str]
    log: str

    def golden(self) -> tuple[Tokens, ...]:
        """The predictions in the log, as they are written there."""
        found = re.findall(r"^golden \d+: (.+)$", self.log, re.MULTILINE)
        return tuple(tuple(line.split(", ")) for line in found)


def from_folder(place: str, folder: Path) -> Made:
    """What a training run wrote.

    Raises:
        ReproduceError: a file is missing, or there is no valid manifest.
    """
    try:
        document = json.loads((folder / MANIFEST_FILE).read_bytes())
        facts = {
            SNAPSHOT: str(document["featureSnapshot"]["sha256"]),
            **{name: _sha256((folder / name).read_bytes()) for name in FILES},
            MANIFEST: _lasting(document),
        }
        log = (folder / LOG_FILE).read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReproduceError(f"{place}: {type(error).__name__}: {error}") from error
    return Made(place, facts, log)


def from_log(place: str, path: Path) -> Made:
    """What is published: a log, and the hashes that it tells.

    Raises:
        ReproduceError: there is no log, or it lacks a line.
    """
    try:
        log = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ReproduceError(f"{place}: {error}") from error
    facts = {name: _value_in_log(log, place, name) for name in FILES if name != LOG_FILE}
    return Made(
        place,
        {
            SNAPSHOT: _value_in_log(log, place, r"snapshot \S+"),
            **facts,
            LOG_FILE: _sha256(log.encode()),
        },
        log,
    )


def compared(made: Sequence[Made]) -> Section:
    """One row for each fact; only what is published may lack one."""
    names = (SNAPSHOT, *FILES, MANIFEST)
    return Section(
        header=("made", *(each.place for each in made)),
        rows=tuple(_row(name, [each.facts.get(name) for each in made]) for name in names),
    )


def _row(name: str, values: Sequence[str | None]) -> Row:
    known = [value for value in values if value is not None]
    shown = (NOT_PUBLISHED if value is None else value[:HASH_SHOWN] for value in values)
    return Row((name, *shown), good=len(known) > 1 and len(set(known)) == 1)


def _value_in_log(log: str, place: str, what: str) -> str:
    found = re.search(rf"^{what} sha256 ([0-9a-f]{{64}})$", log, re.MULTILINE)
    if found is None:
        raise ReproduceError(f"{place}: the log tells no sha256 of {what}")
    return found[1]


def _lasting(document: Mapping[str, Any]) -> str:
    lasting = {key: value for key, value in document.items() if key not in INCIDENTAL}
    return _sha256(json.dumps(lasting, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
