"""Following one object: every version of it, with the moment it was seen."""

import json
import subprocess
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from lab.kubectl import Object, command, wait_until


@dataclass(frozen=True)
class Seen:
    """A version of the object. `at` is when the watch brought it, in epoch seconds."""

    at: float
    object: Object


class Watch:
    """A context: one object as `kubectl get --watch` shows it. It has to exist."""

    def __init__(self, kind: str, name: str, namespace: str) -> None:
        self._what = f"{kind}/{name}"
        self._line = command("get", kind, name, "-n", namespace, "--watch", "-o", "json")
        self._seen: list[Seen] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read, name=self._what, daemon=True)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._reader.start()
        wait_until(lambda: self._seen, timeout=20, what=f"{self._what} to be seen", every=0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._reader.join(timeout=10)
            if self._process.stdout is not None:
                self._process.stdout.close()

    def seen(self) -> list[Seen]:
        """All versions so far, oldest first."""
        return list(self._seen)

    def latest(self) -> Object:
        """The newest version."""
        return self._seen[-1].object

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        lines: list[str] = []
        for line in self._process.stdout:
            lines.append(line)
            if line.rstrip() == "}":
                self._seen.append(Seen(time.time(), json.loads("".join(lines))))
                lines.clear()
