"""Passes are made by the leader alone; a process that stands by reads nothing about any model."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from davylamp.adapters.errors import OperatorError, Terminal
from davylamp.controller.cluster.cache import Key

RETRY_REFUSED: Final = 300.0
"""Seconds until a refused write is tried again: a name may be free, a policy changed."""


class Reconcile(Protocol):
    """What makes a pass."""

    async def __call__(self, key: Key) -> float | None:
        """Reconcile one object; returns the seconds until the next pass is due."""

    async def unobserved(self, key: Key, error: OperatorError) -> float | None:
        """Say why nothing is done about an object: its children cannot be known."""

    def stand_by(self, key: Key) -> None:
        """Read nothing about an object any longer."""


class LeaderPasses:
    """Makes passes while this process leads.

    Args:
        reconcile: makes a pass.
        is_leading: whether this process may act.
        knows: whether all that there is in a namespace has been listed since it leads.
        refused: why the children in a namespace are not known.
        wake_after: asks for a pass over a key in some seconds.
    """

    def __init__(
        self,
        reconcile: Reconcile,
        *,
        is_leading: Callable[[], bool],
        knows: Callable[[str], bool],
        refused: Callable[[str], OperatorError | None] = lambda _namespace: None,
        wake_after: Callable[[Key, float], None],
    ) -> None:
        self._reconcile = reconcile
        self._is_leading = is_leading
        self._knows = knows
        self._refused = refused
        self._wake_after = wake_after

    async def __call__(self, key: Key) -> float | None:
        """A pass over one object; none where another process leads, or before all children are known.

        Leadership may end during the pass, so it is asked for again afterwards.
        """
        try:
            again_in = await self._pass(key) if self._is_leading() else None
        except Terminal:
            self._wake_after(key, RETRY_REFUSED)
            raise
        finally:
            if not self._is_leading():
                self._reconcile.stand_by(key)
        return again_in

    async def _pass(self, key: Key) -> float | None:
        if self._knows(key.namespace):
            return await self._reconcile(key)
        error = self._refused(key.namespace)
        return await self._reconcile.unobserved(key, error) if error else None

    def stand_by(self, keys: Iterable[Key]) -> None:
        """Leadership was lost: read nothing about these objects any longer."""
        for key in keys:
            self._reconcile.stand_by(key)
