"""What the server answers, digit by digit, against the training log and against itself."""

import json
import math
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reproduce.errors import ReproduceError
from reproduce.made import Tokens
from reproduce.results import Row, Section

TIMEOUT_SECONDS = 10.0
TOLD = 300
# Of the largest number in a sum: what ten additions of doubles may lose.
ROUNDING = 1e-14


@dataclass(frozen=True, slots=True)
class Sum:
    """An explanation: what its parts add up to, and the prediction that they explain."""

    total: float
    prediction: float
    scale: float

    @classmethod
    def of(cls, explanation: Mapping[str, Any]) -> "Sum":
        """Adds up without losing a digit on the way."""
        parts = [explanation["baseline"], *explanation["contributions"].values()]
        scale = max(abs(part) for part in (*parts, explanation["prediction"]))
        return cls(math.fsum(parts), explanation["prediction"], scale)

    @property
    def apart(self) -> float:
        """|sum - prediction|."""
        return abs(self.total - self.prediction)

    @property
    def good(self) -> bool:
        """Whether nothing but rounding is between the two."""
        return self.apart <= ROUNDING * self.scale


@dataclass(frozen=True, slots=True)
class Server:
    """A running model server."""

    url: str

    def get(self, path: str) -> Any:
        """A JSON document."""
        return json.loads(self._ask(path, None))

    def post(self, path: str, body: object) -> Any:
        """The JSON answer to a JSON body."""
        return json.loads(self._ask(path, json.dumps(body).encode()))

    def predictions(self, body: object) -> Tokens:
        """The answer's numbers as the server wrote them: no digit is read and printed again."""
        content = self._ask("/predict", json.dumps(body).encode())
        answer = json.loads(content, parse_float=str, parse_int=str)
        return tuple(answer["predictions"])

    def _ask(self, path: str, body: bytes | None) -> bytes:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:TOLD]
            raise ReproduceError(f"{path} answers {error.code}: {said}") from error
        except OSError as error:
            raise ReproduceError(f"{path}: {error}") from error


def predictions(logged: Sequence[Tokens], served: Sequence[Tokens]) -> Section:
    """Served numbers against the training log's, as text."""
    pairs = _padded(logged, served)
    rows = (
        Row(
            (f"golden {number}", ", ".join(log), ", ".join(answer)),
            good=bool(log) and log == answer,
        )
        for number, (log, answer) in enumerate(pairs)
    )
    return Section(("/predict", "training log", "served"), tuple(rows))


def explanations(answers: Sequence[Mapping[str, Any]], predicted: Sequence[Tokens]) -> Section:
    """Whether contributions add up, and to what ``/predict`` answers."""
    rows = (
        _explained(number, answer["explanations"], tokens)
        for number, (answer, tokens) in enumerate(zip(answers, predicted, strict=True))
    )
    return Section(
        ("/explain", "baseline + contributions", "prediction", "|difference|"), tuple(rows)
    )


def _explained(number: int, explained: Sequence[Mapping[str, Any]], predicted: Tokens) -> Row:
    sums = [Sum.of(each) for each in explained]
    same = tuple(repr(each.prediction) for each in sums) == predicted
    apart = max((each.apart for each in sums), default=math.inf)
    cells = (
        f"golden {number}",
        ", ".join(repr(each.total) for each in sums),
        ", ".join(repr(each.prediction) for each in sums),
        "0, exact"
        if apart == 0
        else f"{apart:.1e}, rounding"
        if _all_good(sums)
        else f"{apart:.1e}",
    )
    return Row(cells, good=same and _all_good(sums))


def _all_good(sums: Sequence[Sum]) -> bool:
    return bool(sums) and all(each.good for each in sums)


def _padded(logged: Sequence[Tokens], served: Sequence[Tokens]) -> list[tuple[Tokens, Tokens]]:
    count = max(len(logged), len(served))
    missing: Tokens = ()
    return [
        (
            logged[number] if number < len(logged) else missing,
            served[number] if number < len(served) else missing,
        )
        for number in range(count)
    ]
