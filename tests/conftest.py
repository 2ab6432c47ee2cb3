"""Shared by all tests: markers by folder, and the local cluster's tools on PATH."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.paths import bin_dir

HERE = Path(__file__).parent
MARKED_FOLDERS = ("chart", "images", "registries", "integration", "rights", "e2e")


def pytest_configure() -> None:
    os.environ["PATH"] = f"{bin_dir()}{os.pathsep}{os.environ['PATH']}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        if folder in MARKED_FOLDERS:
            item.add_marker(folder)


@pytest.fixture(scope="session", autouse=True)
def loop_of_the_main_thread() -> Iterator[None]:
    """pytest-asyncio asks Python 3.11 for the current loop, which would make one and leak it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
