"""The rows that were answered last, for whoever asks what traffic looks like; off by default."""

import asyncio
import json
from collections.abc import AsyncIterator

import numpy as np

from diabetes_model import contract
from diabetes_model.model import Matrix
from diabetes_model.server.requests import rows_of

ROWS_PER_CHUNK = 200


class RecentRows:
    """The last ``most`` rows, in memory, oldest first; none are kept if ``most`` is 0."""

    def __init__(self, most: int) -> None:
        self._ring: Matrix = np.empty((most, len(contract.NAMES)))
        self._seen = 0

    @property
    def kept(self) -> bool:
        """Whether rows are kept at all."""
        return len(self._ring) > 0

    def keep(self, features: Matrix) -> None:
        """Takes the rows of one answered request."""
        size = len(self._ring)
        if not size:
            return
        last = features[-size:]
        begin = self._seen + len(features) - len(last)
        self._ring[np.arange(begin, begin + len(last)) % size] = last
        self._seen += len(features)

    def rows(self) -> Matrix:
        """A copy of what is kept."""
        if self._seen <= len(self._ring):
            return self._ring[: self._seen].copy()
        return np.roll(self._ring, -(self._seen % len(self._ring)), axis=0)


async def as_json(rows: Matrix) -> AsyncIterator[bytes]:
    """``{"rows": [...]}`` in pieces, so that requests are answered in between."""
    yield b'{"rows": ['
    for begin in range(0, len(rows), ROWS_PER_CHUNK):
        chunk = rows_of(rows[begin : begin + ROWS_PER_CHUNK])
        text = ",".join(json.dumps(row, allow_nan=False) for row in chunk)
        yield ("," if begin else "").encode() + text.encode()
        await asyncio.sleep(0)
    yield b"]}"
