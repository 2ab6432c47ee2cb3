"""How often something may be done: some times in a row, and then at a steady pace. Pure.

Of each key one number is kept, and only while it matters (the generic cell rate algorithm, ITU-T
I.371): the moment at which it would have used up nothing.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

PaceKey = TypeVar("PaceKey", bound=Hashable)


class Pace(Generic[PaceKey]):
    """Counts what was done, by key.

    Args:
        burst: how often in a row.
        per_second: how often from then on.

    Raises:
        ValueError: nothing could ever be done.
    """

    def __init__(self, *, burst: int, per_second: float) -> None:
        if burst < 1 or not per_second > 0:
            raise ValueError("a pace lets something be done, and again after a while")
        self._every = 1 / per_second
        self._tolerance = (burst - 1) * self._every
        self._even: dict[PaceKey, float] = {}
        self._sweep_at = 64

    def __len__(self) -> int:
        """Of how many keys something is kept."""
        return len(self._even)

    def due(self, key: PaceKey) -> float:
        """The moment from which it may be done again; in the past where it may be done now."""
        return self._even.get(key, float("-inf")) - self._tolerance

    def note(self, key: PaceKey, now: float) -> None:
        """Count that it was done.

        Args:
            key: of what.
            now: seconds of a clock that never goes back.
        """
        self._even[key] = max(self._even.get(key, now), now) + self._every
        if len(self._even) >= self._sweep_at:
            self._even = {k: even for k, even in self._even.items() if even > now}
            self._sweep_at = max(64, 2 * len(self._even))
