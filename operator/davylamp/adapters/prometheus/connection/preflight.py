"""What answers at an address, found out with a few cheap questions before anything depends on it.

Back ends differ where it hurts: VictoriaMetrics keeps the newest samples back, Mimir has its API below a
path, a proxy answers with its login page, and a clock that is wrong makes samples come from the
future. All of that looks like "no data" to a gate; here it gets its name.
"""

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import requests

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.session import PrometheusSession
from davylamp.adapters.reading.in_hand import BytesInHand

DEADLINE: Final = 5.0
"""Seconds for each question."""
_LONGEST: Final = 64 * 1024
"""Bytes of an answer."""
MOST_SKEW: Final = 2.0
"""Seconds by which clocks may differ: that much of each answer is lost, or judged too early."""
STALE: Final = 60.0
"""Seconds since the newest sample of anything, after which samples arrive too late to judge by."""
_TO_ALL: Final[Mapping[str, str]] = {"nocache": "", "latency_offset": ""}
"""Asks as everybody does who knows of nothing to be held back."""
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")
_PATHS: Final = ("/prometheus", "/api/prom", "/select/0/prometheus")
"""Where Mimir and Cortex, older Cortex, and VictoriaMetrics' cluster have their API."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found out about a back end.

    Attributes:
        kind: Prometheus, Mimir, Thanos or VictoriaMetrics; empty where nothing answers queries.
        version: as it says itself; may be empty.
        skew: seconds by which its clock is ahead of ours.
        newest: seconds since the newest sample of `up`, of any target.
        held_back: seconds of samples that it keeps back from those who do not ask for them.
        problems: sentences about what keeps rollouts from being judged, with what to do.
    """

    kind: str = ""
    version: str = ""
    skew: float | None = None
    newest: float | None = None
    held_back: float = 0.0
    problems: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for a log."""
        if not self.kind:
            return "; ".join(self.problems)
        facts = [f"{self.kind} {self.version}".rstrip()]
        if self.newest is not None:
            facts.append(f"newest sample {self.newest:.0f} s old")
        else:
            facts.append(
                "holds no series `up`: it scrapes nothing yet, or this is another's tenant"
            )
        if self.held_back >= 1:
            facts.append(f"keeps back {self.held_back:.0f} s from others, not from the operator")
        return "; ".join([", ".join(facts), *self.problems])


def examine(back_end: BackEnd, *, clock: Callable[[], float] = time.time) -> Preflight:
    """Ask a back end what it is; blocks for some seconds at most.

    Args:
        back_end: what is asked.
        clock: epoch seconds.
    """
    in_clear = (
        ("credentials go over plain http: use https",) if back_end.exposes_credentials else ()
    )
    questions = _Questions(back_end)
    try:
        before = clock()
        theirs = questions.number("time()")
        skew = (theirs - (before + clock()) / 2) if theirs is not None else None
    except SourceError as error:
        is_there = error.fault is SourceFault.BAD_ANSWER
        why = error.message.removeprefix("Prometheus: ")
        problem = f"{why}{questions.other_path() if is_there else ''}"
        return Preflight(problems=(problem, *in_clear))
    finally:
        questions.close()
    return _found(questions, theirs, skew, in_clear)


def _found(
    questions: "_Questions", now: float | None, skew: float | None, problems: tuple[str, ...]
) -> Preflight:
    """What is found out about a back end that answers."""
    plain, last = questions.maybe("time()", _TO_ALL), questions.maybe("max(timestamp(up))")
    kind, version = questions.build()
    newest = now - last if now is not None and last is not None else None
    questions.close()
    return Preflight(
        kind=kind,
        version=version,
        skew=skew,
        newest=newest,
        held_back=max(0.0, now - plain) if now is not None and plain is not None else 0.0,
        problems=(*_problems(skew, newest), *problems),
    )


def _problems(skew: float | None, newest: float | None) -> list[str]:
    problems = []
    if skew is not None and abs(skew) > MOST_SKEW:
        way = "ahead of" if skew > 0 else "behind"
        problems.append(
            f"its clock is {abs(skew):.0f} s {way} the operator's: samples are missed or judged too "
            "early; set both by NTP"
        )
    if newest is not None and newest > STALE:
        problems.append(f"its newest sample is {newest:.0f} s old: samples arrive too late")
    return problems


class _Questions:
    """Asks one back end, one question after another."""

    def __init__(self, back_end: BackEnd) -> None:
        self._url = back_end.url.rstrip("/")
        self._session = PrometheusSession(
            back_end, deadline=DEADLINE, answer_limit=_LONGEST, in_hand=BytesInHand()
        )
        self._is_victoria = False

    def close(self) -> None:
        """Give the connection back; the next question would open another."""
        self._session.close()

    def number(self, promql: str, params: Mapping[str, str] | None = None) -> float | None:
        """What a query gives; None where that is no number.

        Raises:
            SourceError: there is no answer.
        """
        answer = self._asked("POST", "/api/v1/query", {"query": promql, **(params or {})})
        stats = answer.get("stats")
        if isinstance(stats, dict) and "seriesFetched" in stats:
            self._is_victoria = True
        data = answer.get("data")
        return _number(data.get("result") if isinstance(data, dict) else None)

    def maybe(self, promql: str, params: Mapping[str, str] | None = None) -> float | None:
        """What a query gives; None where there is no answer either."""
        try:
            return self.number(promql, params)
        except SourceError:
            return None

    def build(self) -> tuple[str, str]:
        """Which back end it is, and its version."""
        try:
            data = self._asked("GET", "/api/v1/status/buildinfo", None).get("data")
        except SourceError:
            data = None
        about = data if isinstance(data, dict) else {}
        told, version = str(about.get("application", "")), str(about.get("version", ""))
        version = version if _VERSION.fullmatch(version) else ""
        if self._is_victoria:
            return (
                "VictoriaMetrics",
                "",
            )  # its version is Prometheus' there, for the sake of dashboards
        if "mimir" in told.lower():
            return "Mimir", version
        return ("Thanos" if version.startswith("0.") else "Prometheus"), version

    def other_path(self) -> str:
        """Where the API is, if it is below one of the usual paths; empty where it is not."""
        known, self._url = self._url, self._url
        for path in _PATHS:
            self._url = f"{known}{path}"
            if self.maybe("time()") is not None:
                return f"; it is there at {path}: let the address end with {path}"
        return ""

    def _asked(
        self, method: str, path: str, params: Mapping[str, str] | None
    ) -> Mapping[str, object]:
        try:
            response = self._session.request(
                method,
                f"{self._url}{path}",
                params=params,
                timeout=DEADLINE,
                verify=self._session.verify,
                cert=self._session.cert,
            )
        except requests.Timeout as error:
            raise _unreachable("no answer within 5 s") from error
        except (requests.RequestException, OSError, ValueError) as error:
            raise _unreachable(f"cannot be asked: {type(error).__name__}") from error
        return _document(response)


def _document(response: requests.Response) -> Mapping[str, object]:
    """What an answer says; nothing where it is no JSON."""
    try:
        document = json.loads(response.json()["data"]["result"].text)
    except (ValueError, RecursionError):
        message = "Prometheus: the answer is no result of a query"
        raise SourceError(SourceFault.BAD_ANSWER, message) from None
    return document if isinstance(document, dict) else {}


def _number(result: object) -> float | None:
    """The value of a scalar, or of a vector of one; back ends differ in which `time()` is."""
    match result:
        case [{"value": [_, str() as text]}] | [int() | float(), str() as text]:
            pass
        case _:
            return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _unreachable(why: str) -> SourceError:
    return SourceError(SourceFault.DOWN, f"Prometheus: {why}")
