"""What can go wrong outside, sorted by what the caller should do about it.

Ports translate every library's exceptions into these; nothing else crosses a port. Messages name
the object (kind, namespace, name) and never carry the content of a Secret or a credential.
"""

from enum import StrEnum


class OperatorError(Exception):
    """Something outside did not do what was asked.

    Attributes:
        reason: CamelCase word, fit for a condition or an Event.
        message: sentence for people.
    """

    reason = "Failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Retryable(OperatorError):  # noqa: N818 - named by what to do about it
    """May go away by itself: try again.

    Args:
        message: what happened.
        after: seconds the other side asked to wait, if it did.
    """

    reason = "Unavailable"

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Conflict(Retryable):
    """The object changed since it was read, or exists already: read again, decide again."""

    reason = "Conflict"


class NotFound(Retryable):
    """The object, its namespace or its kind is not there (yet)."""

    reason = "NotFound"


class Forbidden(Retryable):
    """Role, quota or policy refuses; a person may change that while the operator runs."""

    reason = "Forbidden"


class NotLeader(Retryable):
    """A write was stopped here because this process holds no live lease."""

    reason = "NotLeader"


class Terminal(OperatorError):  # noqa: N818 - named by what to do about it
    """The same request would be refused again: wait for the object to change.

    Args:
        reason: CamelCase word from whoever refused.
        message: what was refused and why.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SourceFault(StrEnum):
    """The two ways a metric source fails; neither says anything about a model."""

    DOWN = "SourceDown"
    BAD_ANSWER = "BadAnswer"


class SourceError(Retryable):
    """No measurement was had: the source could not be asked, or it answered nonsense.

    Args:
        fault: which of the two.
        message: what happened, without URL and credentials.
    """

    def __init__(self, fault: SourceFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.reason = fault.value


class TooMuch(SourceError):  # noqa: N818 - named by what to do about it
    """The source does not answer about so much at once: ask for less."""

    def __init__(self, message: str) -> None:
        super().__init__(SourceFault.BAD_ANSWER, message)
