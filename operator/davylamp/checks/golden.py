"""Golden: the server gives the predictions that the training run recorded."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from davylamp.checks.reading import MalformedError, mapping, numbers, precise, required, rounded
from davylamp.checks.recorded import Golden
from davylamp.checks.replies import Answered, Reply, without_answer
from davylamp.checks.results import CheckReason, Finding, failed, passed, unknown

NEARLY_ZERO: Final = 1e-3
"""Predictions below this fraction of the largest one are compared as if they were that large."""


class Difference(NamedTuple):
    """How far one served number is from the recorded one, relative to it."""

    place: str
    served: float
    recorded: float
    relative: float


def floor_of(goldens: Iterable[Golden]) -> float:
    """The prediction below which all are compared as if they were that large."""
    largest = max((abs(p) for golden in goldens for p in golden.predictions), default=0.0)
    return NEARLY_ZERO * largest


def compared(reply: Reply, golden: Golden, number: int, floor: float) -> Difference | Finding:
    """The worst difference between the reply to a golden request and what is recorded."""
    if not isinstance(reply, Answered):
        return without_answer(reply)
    try:
        served = predictions_of(reply)
        _same_length(served, golden)
    except MalformedError as malformed:
        message = f"/predict, golden request {number + 1}: {malformed}"
        return failed(CheckReason.BAD_ANSWER, message)
    return max(_differences(served, golden, number, floor), key=lambda d: d.relative)


def golden_finding(
    compared: Sequence[Difference | Finding], requests: int, tolerance: float
) -> Finding:
    """What all comparisons say together, in the order of the requests; the message names the worst."""
    differences = list[Difference]()
    for one in compared:
        if isinstance(one, Finding):
            return one
        differences.append(one)
    if len(differences) < requests:
        return unknown(f"golden request {len(differences) + 1} was not answered yet")
    return _verdict(max(differences, key=lambda d: d.relative), requests, tolerance)


def predictions_of(reply: Answered) -> tuple[float, ...]:
    """The numbers of an answer of /predict; raises `MalformedError`."""
    answer = mapping(reply.document, "the answer")
    return numbers(required(answer, "predictions", path=""), "predictions")


def _same_length(served: Sequence[float], golden: Golden) -> None:
    if len(served) != len(golden.predictions):
        counts = f"{len(served)} numbers, but {len(golden.predictions)} are recorded"
        raise MalformedError(f"predictions has {counts}")


def _differences(
    served: Sequence[float], golden: Golden, number: int, floor: float
) -> Iterator[Difference]:
    for row, (one, other) in enumerate(zip(served, golden.predictions, strict=True)):
        place = f"golden request {number + 1}, prediction {row + 1}"
        yield Difference(place, one, other, relative(one, other, floor))


def relative(served: float, recorded: float, floor: float) -> float:
    """The difference as a fraction of the recorded number, or of the floor if that is larger."""
    gap, scale = abs(served - recorded), max(abs(recorded), floor)
    return 0.0 if not gap else gap / scale if scale else gap


def _verdict(worst: Difference, requests: int, tolerance: float) -> Finding:
    limit = f"tolerance {rounded(tolerance)}"
    if worst.relative <= tolerance:
        return passed(
            CheckReason.PREDICTIONS_REPRODUCED,
            f"{requests} golden requests give the recorded predictions; largest relative "
            f"difference {rounded(worst.relative)}, {limit}",
        )
    return failed(
        CheckReason.PREDICTIONS_DIFFER,
        f"{worst.place}: served {precise(worst.served)}, recorded {precise(worst.recorded)}; "
        f"relative difference {rounded(worst.relative)}, {limit}",
    )
