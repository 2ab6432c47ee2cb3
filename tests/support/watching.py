"""Every version of some objects, in the order in which they were written."""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.reading import Json

from lab.kubectl import command, wait_until


@dataclass
class Watched:
    """Versions of the objects of one kind, filled in at the end of the watch."""

    versions: list[Json] = field(default_factory=list)

    def of(self, name: str) -> list[Json]:
        return [v for v in self.versions if v["metadata"]["name"] == name]


def position(version: Json) -> int:
    """Where a write stands among all writes to the cluster (KEP-5504)."""
    return int(version["metadata"]["resourceVersion"])


@contextlib.contextmanager
def watching(kind: str, namespace: str) -> Iterator[Watched]:
    """Record what is written to a kind in a namespace while the context lasts."""
    watched = Watched()
    with tempfile.TemporaryFile("w+") as out:
        line = command("get", kind, "-n", namespace, "-w", "-o", "json")
        with subprocess.Popen(line, stdout=out, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until(
                    lambda: out.seek(0, 2) > 0, timeout=30, what=f"the first version of {kind}"
                )
                yield watched
            finally:
                process.terminate()
        out.seek(0)
        watched.versions += _documents(out.read())


def _documents(text: str) -> list[Json]:
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        try:
            document, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            break  # the watch was cut in the middle of the last one
        found += document.get("items", [document])
    return found
