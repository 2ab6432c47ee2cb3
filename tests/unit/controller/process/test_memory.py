"""Memory goes back, whatever C library there is."""

import asyncio
import contextlib
import ctypes
import gc

import pytest

from davylamp.controller.process import memory


class Library:
    """A C library that notes what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def mallopt(self, *what: int) -> None:
        self.calls.append(("mallopt", *what))

    def malloc_trim(self, *what: int) -> None:
        self.calls.append(("malloc_trim", *what))


async def test_what_is_free_is_given_back_again_and_again(monkeypatch):
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: library)
    monkeypatch.setattr(memory, "EVERY", 0.001)
    memory.limit_heaps()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(memory.keep_giving_back(), 0.05)
    assert library.calls[0] == ("mallopt", -8, 2)
    assert len(library.calls) > 2
    assert set(library.calls[1:]) == {("malloc_trim", 0)}


def test_what_was_imported_is_not_looked_at_again():
    before = gc.get_freeze_count()
    try:
        memory.keep_modules()
        assert gc.get_freeze_count() > before + 10_000
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("ask", [memory.limit_heaps, memory.give_back])
def test_another_c_library_is_asked_nothing(ask, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    ask()
