"""Who gets the next slot: namespaces in turn, and in each the one that came first. Pure.

A slot is held for as long as its work takes, and that may be long: a pod that never answers, an API
server whose webhook hangs. So nobody gets the last free slots by being early: an owner may hold at
most as many slots as are left free. One alone gets half of them, two a third each; the last free
slot goes only to somebody who holds none. Whoever comes new therefore finds a slot free unless more
owners than there are slots have work that hangs.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)
Item = TypeVar("Item", bound=Hashable)


class Turns(Generic[Owner, Item]):
    """Items that wait for a slot, and those that hold one. An item is there once.

    Args:
        share: slots that one owner gets at most; there are twice as many.

    Raises:
        ValueError: nobody could ever have a slot.
    """

    def __init__(self, share: int) -> None:
        if share < 1:
            raise ValueError("an owner's share is at least one slot")
        self._free = 2 * share
        self._lines: OrderedDict[Owner, OrderedDict[Item, None]] = OrderedDict()
        """What waits, by owner: whose turn is next comes first."""
        self._held: dict[Owner, int] = {}
        self._owners: dict[Item, Owner] = {}
        """Of everything that waits or holds a slot."""
        self._waiting = 0

    def __contains__(self, item: object) -> bool:
        """Whether an item waits or holds a slot."""
        return item in self._owners

    @property
    def waiting(self) -> int:
        """How many items wait for a slot."""
        return self._waiting

    def add(self, owner: Owner, item: Item, *, is_first: bool = False) -> bool:
        """Let an item wait for a slot; whether it was not there before.

        Args:
            owner: whose turn it takes.
            item: what waits.
            is_first: it comes before all others of its owner.
        """
        if item in self._owners:
            return False
        line = self._lines.setdefault(owner, OrderedDict())
        line[item] = None
        if is_first:
            line.move_to_end(item, last=False)
        self._owners[item] = owner
        self._waiting += 1
        return True

    def take(self) -> Item | None:
        """Give the next item a slot, until `release`; None where none may have one."""
        for owner, line in self._lines.items():
            if self._held.get(owner, 0) < self._free:
                item, _ = line.popitem(last=False)
                self._lines.move_to_end(owner)
                if not line:
                    del self._lines[owner]
                self._held[owner] = self._held.get(owner, 0) + 1
                self._free -= 1
                self._waiting -= 1
                return item
        return None

    def release(self, item: Item) -> None:
        """Give an item's slot back; `KeyError` where it is not there."""
        owner = self._owners.pop(item)
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        self._free += 1

    def withdraw(self, item: Item) -> bool:
        """Let an item wait no longer; whether it did. One that holds a slot keeps it."""
        owner = self._owners.get(item)
        line = self._lines.get(owner) if owner is not None else None
        if owner is None or line is None or item not in line:
            return False
        del line[item]
        if not line:
            del self._lines[owner]
        del self._owners[item]
        self._waiting -= 1
        return True
