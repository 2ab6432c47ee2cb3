"""What all questions to the metric source have in common: deadlines, and errors as values."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from davylamp.adapters.errors import SourceError, SourceFault

DEADLINE: Final = 8.0
"""Seconds for one query about counters, or for all that one gate asks."""
LAG: Final = 1.0
"""Seconds that a sample may take from its scrape until Prometheus can be asked for it."""
USER_QUESTIONS_AT_A_TIME: Final = 4
"""User queries and searches for other series of one namespace at a time, twice as many of all: threads
are left for the pods' counters."""
_T = TypeVar("_T")


def deadline() -> float:
    """The moment, by the event loop's clock, after which an answer to a question of now is late."""
    return asyncio.get_running_loop().time() + DEADLINE


async def answer_or_error(answer: Awaitable[_T]) -> _T | SourceError:
    """An error as a value: one question must not take the others with it."""
    try:
        return await answer
    except SourceError as error:
        return error
    except ValueError:  # its message may have the value that cannot be read
        return SourceError(SourceFault.BAD_ANSWER, "the answer cannot be read")
