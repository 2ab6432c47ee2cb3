"""Is this the model that the spec names? Pure: what to ask a pod, and what its replies mean.

`Expected` comes from the revision's recorded intent. The manifest that the image serves determines
what to ask next. Its `Outline` is all that is kept of it, and each reply to a golden request is judged by
itself (`tasks`); `judged` does the same with replies that are all there. What a model server has to offer
for this is in docs/model-server.md.
"""

from davylamp.checks.expected import Expected, expected_of
from davylamp.checks.inspection import Outline, concluded, in_order, judged, questions
from davylamp.checks.recorded import shares_of
from davylamp.checks.replies import (
    Answered,
    Declined,
    Heard,
    Questions,
    Received,
    Replies,
    Reply,
    Silent,
)
from davylamp.checks.results import CheckReason, CheckResult, CheckVerdict

__all__ = [
    "Answered",
    "CheckReason",
    "CheckResult",
    "CheckVerdict",
    "Declined",
    "Expected",
    "Heard",
    "Outline",
    "Questions",
    "Received",
    "Replies",
    "Reply",
    "Silent",
    "concluded",
    "expected_of",
    "in_order",
    "judged",
    "questions",
    "shares_of",
]
