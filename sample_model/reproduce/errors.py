"""What keeps the comparison from being made."""


class ReproduceError(RuntimeError):
    """A step did not work; the message says which and why."""
