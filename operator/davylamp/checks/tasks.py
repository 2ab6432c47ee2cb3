"""What is made of the texts that a model server answers: read, judged at once, and let go.

The texts are a stranger's, so these are tasks for another process, and their results are small.
"""

from collections.abc import Collection
from typing import Final

from davylamp.api.spec import CheckName
from davylamp.checks.expected import Expected
from davylamp.checks.inspection import Comparison, Outline, comparison, outline_of
from davylamp.checks.recorded import GoldenRequest
from davylamp.checks.replies import Answered, Declined, Reply
from davylamp.schema.weight import Budget, UnreadableJsonError, read_json

MOST: Final = Budget(size=4 * 1024 * 1024, depth=64, elements=300_000)
"""What an answer may weigh; a golden request has about ten elements a row."""


def outline_in(
    text: bytes, checks: Collection[CheckName], expected: Expected, asked: str
) -> Outline:
    """What the text of a manifest says; `asked` is the question as it is told to users."""
    return outline_of(checks, expected, _reply(text, asked))


def comparison_in(
    text: bytes,
    check: CheckName,
    request: GoldenRequest,
    bounds: tuple[float, float],
    asked: str,
) -> Comparison:
    """What the text of a reply amounts to; `bounds` are tolerance and floor."""
    tolerance, floor = bounds
    return comparison(check, _reply(text, asked), request, tolerance=tolerance, floor=floor)


def _reply(text: bytes, asked: str) -> Reply:
    try:
        return Answered(read_json(text, MOST))
    except UnreadableJsonError as error:
        return Declined(f"{asked}: the answer {error}")
