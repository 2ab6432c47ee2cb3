"""What a process costs: memory, processor, and the requests that it counted itself."""

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import requests

_REQUESTS: Final = re.compile(r"^davylamp_api_requests_total\{(.*?)\} (\S+)$", re.MULTILINE)
_PASSES: Final = re.compile(r"^davylamp_reconcile_total\{.*?\} (\S+)$", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
Json: TypeAlias = dict[str, Any]
TICKS: Final = os.sysconf("SC_CLK_TCK")
UNCOUNTED: Final = frozenset({"Lease"})
"""Kinds of requests that come whatever there is to do; watches are told apart by their verb."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of the operator at one moment."""

    at: float
    cpu: float
    passes: float
    requests: Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a stretch of time cost.

    Attributes:
        seconds: how long it was.
        cpu_per_minute: seconds of processor time.
        per_minute: requests by verb and kind, leases left out.
        passes_per_minute: reconciliations.
        megabytes: of memory at its end.
        load: of the machine at its end.
    """

    seconds: float
    cpu_per_minute: float
    per_minute: Mapping[tuple[str, str], float]
    passes_per_minute: float
    megabytes: float
    load: float
    more: Mapping[str, float] = field(default_factory=dict)

    def requests(self, *verbs: str) -> float:
        """Requests a minute with these verbs; with none given, of all but watches."""
        return sum(
            number
            for (verb, _), number in self.per_minute.items()
            if verb in verbs or (not verbs and verb != "watch")
        )


class Process:
    """The operator's process.

    Args:
        pid: its id.
        metrics: where it serves metrics.
    """

    def __init__(self, pid: int, metrics: str) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._status = Path(f"/proc/{pid}/status")
        self._metrics = metrics

    def megabytes(self) -> float:
        """Resident memory in MiB."""
        found = re.search(r"VmRSS:\s+(\d+) kB", self._status.read_text())
        return int(found[1]) / 1024 if found else 0.0

    def peak(self) -> float:
        """The most resident memory that it ever had, in MiB."""
        found = re.search(r"VmHWM:\s+(\d+) kB", self._status.read_text())
        return int(found[1]) / 1024 if found else 0.0

    def read(self) -> Reading:
        """Its counters now."""
        text = requests.get(self._metrics, timeout=30).text
        counted = Counter[tuple[str, str]]()
        for labels, number in _REQUESTS.findall(text):
            known = dict(_LABEL.findall(labels))
            if known["kind"] not in UNCOUNTED:
                counted[known["verb"], known["kind"]] += float(number)  # type: ignore[assignment]
        passes = sum(float(number) for number in _PASSES.findall(text))
        fields = self._stat.read_text().rsplit(")", 1)[1].split()
        cpu = (int(fields[11]) + int(fields[12])) / TICKS
        return Reading(time.monotonic(), cpu, passes, counted)

    def cost(self, seconds: float) -> Cost:
        """What the next seconds cost."""
        before = self.read()
        time.sleep(seconds)
        return cost(before, self.read(), self.megabytes())

    def wait_until_up(self, within: float = 60) -> None:
        """Wait until it serves metrics."""
        wait(lambda: bool(self.read()), within=within)


def cost(before: Reading, after: Reading, megabytes: float) -> Cost:
    """What happened between two readings."""
    seconds = after.at - before.at
    minutes = seconds / 60
    grown = {
        key: (number - before.requests[key]) / minutes
        for key, number in after.requests.items()
        if number != before.requests[key]
    }
    return Cost(
        seconds=seconds,
        cpu_per_minute=(after.cpu - before.cpu) / minutes,
        per_minute=grown,
        passes_per_minute=(after.passes - before.passes) / minutes,
        megabytes=megabytes,
        load=os.getloadavg()[0],
    )


def wait(holds: Callable[[], bool], *, within: float, every: float = 1.0) -> float:
    """Wait until something holds; returns the seconds that it took."""
    began = time.monotonic()
    while True:
        try:
            if holds():
                return time.monotonic() - began
        except OSError:
            pass
        if time.monotonic() - began > within:
            raise TimeoutError(f"not within {within:.0f} s")
        time.sleep(every)
