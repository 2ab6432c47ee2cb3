"""How many bytes of unread texts there are in memory, over everything that is received at a time."""

import threading
import weakref
from typing import Final

from davylamp.adapters.reading.limits import MIB, TooMuchToReadError

MOST_IN_HAND: Final = 24 * MIB


class BytesInHand:
    """Counts bytes; may be asked from every thread.

    Args:
        most: bytes that there may be.
    """

    def __init__(self, most: int = MOST_IN_HAND) -> None:
        self._most = most
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Bytes that there are."""
        return self._taken

    def take(self, size: int) -> None:
        """Count bytes that arrive.

        Raises:
            TooMuchToReadError: there would be too many; none are counted.
        """
        with self._lock:
            if self._taken + size > self._most:
                raise TooMuchToReadError("came while too much else waited to be read")
            self._taken += size

    def give_back(self, size: int) -> None:
        """Count bytes that are gone."""
        with self._lock:
            self._taken -= size

    def hold(self, holder: object, size: int) -> None:
        """Count bytes that there are as long as an object is."""
        with self._lock:
            self._taken += size
        weakref.finalize(holder, self.give_back, size)
