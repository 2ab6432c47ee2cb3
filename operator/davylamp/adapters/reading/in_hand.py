"""How many bytes of unread texts there are in memory, over everything that is received at a time."""

import threading
import weakref
from collections import Counter
from typing import Final

from davylamp.adapters.reading.limits import MIB, ReadingRefusedError

MOST_IN_HAND: Final = 24 * MIB
MOST_OF_ONE: Final = 8 * MIB
"""Of one namespace."""


class BytesInHand:
    """Counts bytes, by whose they are; may be asked from every thread.

    Args:
        most: bytes that there may be.
        most_of_one: bytes of one owner; those of nobody in particular have no other bound than `most`.
    """

    def __init__(self, most: int = MOST_IN_HAND, most_of_one: int = MOST_OF_ONE) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Bytes that there are."""
        return self._taken.total()

    def take(self, size: int, owner: str = "") -> None:
        """Count bytes that arrive.

        Raises:
            ReadingRefusedError: there would be too many; none are counted.
        """
        with self._lock:
            if owner and self._taken[owner] + size > self._most_of_one:
                raise ReadingRefusedError("too much of this namespace waits to be read already")
            if self._taken.total() + size > self._most:
                raise ReadingRefusedError("too much waits to be read already")
            self._taken[owner] += size

    def give_back(self, size: int, owner: str = "") -> None:
        """Count bytes that are gone."""
        with self._lock:
            self._taken[owner] -= size
            if not self._taken[owner]:
                del self._taken[owner]

    def hold(self, holder: object, size: int, owner: str = "") -> None:
        """Count bytes that there are as long as an object is."""
        with self._lock:
            self._taken[owner] += size
        weakref.finalize(holder, self.give_back, size, owner)
