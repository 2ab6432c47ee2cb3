"""Leadership without an election: there is one replica, and it leads from the start."""

import asyncio
from collections.abc import Callable


class SoleReplica:
    """Leads until it is stopped; has the methods of `Elector`."""

    def __init__(self, identity: str, *, on_started: Callable[[], None]) -> None:
        self.holder = identity
        self._on_started = on_started
        self._stopping = asyncio.Event()

    def is_leader(self) -> bool:
        """Always true."""
        return True

    def ensure(self) -> None:
        """Let every write pass."""

    async def run(self) -> None:
        """Lead until `stop`."""
        self._on_started()
        await self._stopping.wait()

    def stop(self) -> None:
        """Have `run` return."""
        self._stopping.set()
