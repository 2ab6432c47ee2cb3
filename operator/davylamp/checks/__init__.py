"""Is this the model that the spec names? Pure: what to ask a pod, and what its replies mean.

`Expected` comes from the revision's recorded intent. The manifest that the image serves determines
what to ask next (`questions`), and `judged` turns all replies into one result per check. What a
model server has to offer for this is in docs/model-server.md.
"""

from davylamp.checks.expected import Expected, expected_of
from davylamp.checks.inspection import judged, questions
from davylamp.checks.recorded import shares_of
from davylamp.checks.replies import Answered, Declined, Questions, Replies, Reply, Silent
from davylamp.checks.results import CheckReason, CheckResult, CheckVerdict

__all__ = [
    "Answered",
    "CheckReason",
    "CheckResult",
    "CheckVerdict",
    "Declined",
    "Expected",
    "Questions",
    "Replies",
    "Reply",
    "Silent",
    "expected_of",
    "judged",
    "questions",
    "shares_of",
]
