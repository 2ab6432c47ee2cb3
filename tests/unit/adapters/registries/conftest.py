"""A registry that may be hostile, and the client that asks it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.fakehttp import serving
from tests.unit.adapters.registries.fakeregistry import FakeRegistry

from davylamp.adapters.registries.client import HttpRegistries
from davylamp.adapters.registries.settings import RegistrySettings
from davylamp.images import ImageReference, parse_reference


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    with serving(made.answer) as http:
        made.http = http
        yield made


@pytest.fixture
def reference(registry) -> ImageReference:
    return parse_reference(f"{registry.host}/models/risk", "v1")


@pytest.fixture
async def client(registry) -> AsyncIterator[HttpRegistries]:
    made = HttpRegistries(RegistrySettings(plain_http=frozenset({registry.host}), timeout=2.0))
    yield made
    await made.aclose()
