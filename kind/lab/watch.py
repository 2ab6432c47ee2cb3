"""Watching one object: each of its versions, with the moment it arrived."""

import contextlib
import json
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from lab.kubectl import Following, Object, following, wait_until


@dataclass(frozen=True)
class Version:
    """A version of the object. `at` is when the watch brought it, in epoch seconds."""

    at: float
    object: Object


class Watch:
    """A context: one object as `kubectl get --watch` shows it. It has to exist."""

    def __init__(self, kind: str, name: str, namespace: str) -> None:
        self._what = f"{kind}/{name}"
        self._arguments = ("get", kind, name, "-n", namespace, "--watch", "-o", "json")
        self._versions: list[Version] = []
        self._kubectl = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            watch = stack.enter_context(following(*self._arguments))
            reader = threading.Thread(target=self._read, args=(watch,), name=self._what)
            reader.start()
            stack.callback(reader.join)
            stack.callback(watch.end)
            what = f"the first version of {self._what}"
            wait_until(lambda: self._versions, timeout=20, what=what, every=0.02)
            self._kubectl = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kubectl.close()

    def versions(self) -> list[Version]:
        """All versions so far, oldest first."""
        return list(self._versions)

    def latest(self) -> Object:
        """The newest version."""
        return self._versions[-1].object

    def _read(self, watch: Following) -> None:
        lines: list[str] = []
        for line in watch.lines:
            lines.append(line)
            if line.rstrip() == "}":
                self._versions.append(Version(time.time(), json.loads("".join(lines))))
                lines.clear()
