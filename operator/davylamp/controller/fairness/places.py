"""Who has a place where there are only so many for each namespace: who came first. Pure."""

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

Guest = TypeVar("Guest", bound=Hashable)


class Places(Generic[Guest]):
    """Gives places away, and remembers how many were asked for in vain.

    Args:
        limit: places of one namespace.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: dict[str, set[Guest]] = {}
        self._refused: dict[str, set[Guest]] = {}

    def has(self, namespace: str, guest: Guest) -> bool:
        """Whether a guest has a place, or gets one now."""
        taken = self._taken.setdefault(namespace, set())
        if guest not in taken and len(taken) >= self._limit:
            self._refused.setdefault(namespace, set()).add(guest)
            return False
        taken.add(guest)
        return True

    def leave(self, namespace: str, guest: Guest) -> None:
        """Give a guest's place back, if it has one."""
        for places in (self._taken, self._refused):
            guests = places.get(namespace, set())
            guests.discard(guest)
            if not guests:
                places.pop(namespace, None)

    def is_empty(self, namespace: str) -> bool:
        """Whether nobody of a namespace has a place or has asked for one."""
        return namespace not in self._taken and namespace not in self._refused

    @property
    def refused(self) -> Mapping[str, int]:
        """How many guests have no place, by namespace."""
        numbers = {
            namespace: len(guests - self._taken.get(namespace, set()))
            for namespace, guests in self._refused.items()
        }
        return {namespace: number for namespace, number in numbers.items() if number}
