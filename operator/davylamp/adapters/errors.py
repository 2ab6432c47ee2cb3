"""Errors of the API server, of metric sources and of pods, sorted by what a caller should do.

Adapters translate the exceptions of every library into these and raise no others. Messages name
the object (kind, namespace, name) and never contain a credential or the content of a Secret.
"""

from enum import StrEnum


class OperatorError(Exception):
    """A request to something outside failed.

    Attributes:
        reason: a CamelCase word, fit for a condition or an Event.
        message: a sentence for users.
        by: who refused, where the other side says so: a webhook, a policy, a quota.
    """

    reason = "Failed"

    def __init__(self, message: str, *, by: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.by = by


class Retryable(OperatorError):  # noqa: N818 - named by what to do about it
    """The error may be temporary: try again.

    Args:
        message: what happened.
        after: seconds that the other side asked us to wait, if it did.
        by: who refused.
    """

    reason = "Unavailable"

    def __init__(self, message: str, after: float | None = None, *, by: str = "") -> None:
        super().__init__(message, by=by)
        self.after = after


class Conflict(Retryable):
    """The object has changed since it was read, or exists already: read and decide again."""

    reason = "Conflict"


class NotFound(Retryable):
    """The object, its namespace or its kind does not exist (yet)."""

    reason = "NotFound"


class Expired(Retryable):
    """The version that a list or a watch was to go on from is not kept any more: list anew."""

    reason = "Expired"


class Forbidden(Retryable):
    """A role, quota or policy forbids the request; it may be changed while the operator runs."""

    reason = "Forbidden"


class NamespaceEnding(Forbidden):
    """The namespace is being deleted, and all that is in it: nobody needs to be told."""

    reason = "NamespaceTerminating"


class NotLeader(Retryable):
    """A write was prevented because this process does not hold the lease."""

    reason = "NotLeader"


class Terminal(OperatorError):  # noqa: N818 - named by what to do about it
    """The same request would be refused again: wait until the object changes.

    Args:
        reason: the CamelCase word of the refusal.
        message: what was refused and why.
        fields: paths in the object that was sent, where the answer names them.
        by: who refused.
    """

    def __init__(
        self, reason: str, message: str, *, fields: tuple[str, ...] = (), by: str = ""
    ) -> None:
        super().__init__(message, by=by)
        self.reason = reason
        self.fields = fields


class SourceFault(StrEnum):
    """How a metric source failed; neither way says anything about a model."""

    DOWN = "SourceDown"
    BAD_ANSWER = "BadAnswer"


class SourceError(Retryable):
    """There is no measurement: the source did not answer, or its answer cannot be used.

    Args:
        fault: which of the two.
        message: what happened, without URL and credentials.
    """

    def __init__(self, fault: SourceFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.reason = fault.value


class TooMuch(SourceError):  # noqa: N818 - named by what to do about it
    """The source refuses to answer about so much at once: ask for less."""

    def __init__(self, message: str) -> None:
        super().__init__(SourceFault.BAD_ANSWER, message)


class TooLate(SourceError):  # noqa: N818 - named by what happened
    """The source did not answer in time: it is down, or was asked about too much."""

    def __init__(self, message: str) -> None:
        super().__init__(SourceFault.DOWN, message)
