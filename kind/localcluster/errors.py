"""The one error that ends a run."""


class SetupError(Exception):
    """Nothing sensible is left to try.

    Args:
        message: what did not work.
        hint: what the reader can do about it; printed on its own line.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
