"""A fake API server, and the operator's process beside it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.process.apiserver import ByteServer, running
from tests.process.operatorprocess import OperatorProcess, operator_process


@pytest.fixture
def api() -> Iterator[ByteServer]:
    """An API server on a free port, with nothing in it."""
    with running(ByteServer()) as server:
        yield server


@pytest.fixture
async def operator(api: ByteServer, tmp_path: Path) -> AsyncIterator[OperatorProcess]:
    """The operator, started against what is in the API server at that time."""
    async with operator_process(api.port, tmp_path) as process:
        yield process
