"""One real registry for all tests of this folder."""

from collections.abc import Iterator

import pytest
from tests.support.registry import Registry, running


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running(tmp_path_factory.mktemp("registry")) as made:
        yield made
