"""Seconds a minute that each owner may take of what all share. Without a clock of its own."""

from collections.abc import Callable
from typing import Final

from davylamp.adapters.reading.limits import ReadingRefusedError

MINUTE: Final = 60.0


class SecondsBudget:
    """A bucket of seconds for each owner: full at first, filled again within a minute.

    A reading is never cut because of it, so an owner may overdraw by one reading; then it waits.

    Args:
        per_minute: seconds.
        clock: seconds that never go back.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float]) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._spent: dict[str, tuple[float, float]] = {}
        """By owner: seconds that are missing in its bucket, and when that was so."""

    def require(self, owner: str) -> None:
        """Refuse an owner whose bucket is empty.

        Raises:
            ReadingRefusedError: with the reason, for users.
        """
        missing = self._missing(owner)
        if missing >= self.per_minute:
            raise ReadingRefusedError(
                f"reading the answers of this namespace's pods has taken its {self.per_minute:g} s "
                "of a minute"
            )

    def spend(self, owner: str, seconds: float) -> None:
        """Take seconds out of an owner's bucket."""
        now = self._clock()
        self._spent = {o: s for o, s in self._spent.items() if self._refilled(s) > 0 or o == owner}
        self._spent[owner] = (self._missing(owner) + seconds, now)

    def _missing(self, owner: str) -> float:
        return self._refilled(self._spent.get(owner, (0.0, 0.0)))

    def _refilled(self, spent: tuple[float, float]) -> float:
        missing, at = spent
        return max(0.0, missing - (self._clock() - at) * self.per_minute / MINUTE)
