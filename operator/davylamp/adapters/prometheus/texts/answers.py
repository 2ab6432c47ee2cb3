"""One answer of Prometheus: asked for in a thread, and read there if it is short."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

import requests

from davylamp.adapters.errors import SourceError, SourceFault, TooLate, TooMuch
from davylamp.adapters.prometheus.query_result import bad_answer
from davylamp.adapters.prometheus.texts.tasks import AskedCounters
from davylamp.adapters.reading.limits import (
    LIGHT,
    ReadingRefusedError,
    TooMuchToReadError,
    UnreadableError,
)
from davylamp.adapters.reading.reader import SHARED, read_here

CONNECT_TIMEOUT: Final = 2.0
READ_TIMEOUT: Final = 5.0


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class AnswerText:
    """An answer that nobody has looked at. As long as it is there, its bytes count."""

    text: bytes


_Timeout: TypeAlias = tuple[float, float]
Ask: TypeAlias = Callable[[_Timeout], AnswerText]
"""Sends a query; gives the text of the answer."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Wanted(Generic[_T]):
    """What is to be read of an answer, and the namespace that answers for it."""

    task: Callable[..., _T]
    arguments: tuple[AskedCounters, ...] = ()
    owner: str = SHARED
    light: int = LIGHT


def asked_and_read(ask: Ask, wanted: Wanted[_T], left: float, most: float) -> _T | AnswerText:
    """Ask with the seconds that are left, and read the answer up to so many bytes."""
    try:
        answer = ask((min(CONNECT_TIMEOUT, left), min(READ_TIMEOUT, left)))
    except (requests.Timeout, TimeoutError) as error:
        raise too_late(left) from error
    except (requests.RequestException, OSError, ValueError) as error:
        message = f"Prometheus: cannot be asked: {type(error).__name__}"
        raise SourceError(SourceFault.DOWN, message) from error
    return read_now(answer.text, wanted) if len(answer.text) <= most else answer


def read_now(text: bytes, wanted: Wanted[_T]) -> _T:
    """What is read of an answer, in this thread."""
    with as_source_errors():
        return read_here(wanted.task, text, *wanted.arguments)


@contextlib.contextmanager
def as_source_errors() -> Iterator[None]:
    """What a reading may end in, as errors of a source."""
    try:
        yield
    except TooMuchToReadError as error:
        raise TooMuch(f"Prometheus: the answer {error}") from error
    except UnreadableError as error:
        raise bad_answer(str(error).removeprefix("Prometheus: ")) from error
    except ReadingRefusedError as error:
        raise bad_answer(str(error)) from error


def too_late(seconds: float) -> SourceError:
    """There was no answer within these seconds."""
    return TooLate(f"Prometheus: no answer within {seconds:.2g} s")
