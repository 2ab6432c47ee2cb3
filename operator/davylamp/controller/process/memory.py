"""Memory that is free goes back to the system, so that a busy hour is not paid for ever.

Rollouts leave freed pieces all over the C library's heap, which keeps them, and each thread that
folds samples may open a heap of its own. Both are asked of glibc; where there is another C library
nothing happens.

Python looks for cycles in all objects every now and then, and everything waits meanwhile. Two thirds of
them are modules, which stay.
"""

import asyncio
import ctypes
import gc
from typing import Final

HEAPS: Final = 2
"""As many as there are threads that work at the same time, more or less: the others wait."""
EVERY: Final = 60.0
"""Seconds; giving back takes milliseconds."""
_ARENA_MAX: Final = -8
"""glibc's `M_ARENA_MAX`."""


def limit_heaps() -> None:
    """Share few heaps between all threads; for the beginning of a process."""
    library = _library()
    if hasattr(library, "mallopt"):
        library.mallopt(_ARENA_MAX, HEAPS)


def keep_modules() -> None:
    """Never look for cycles again in what there is now; for when everything is imported and made."""
    gc.collect()
    gc.freeze()


async def keep_giving_back() -> None:
    """Give back what is free every now and then; never returns."""
    while True:
        await asyncio.sleep(EVERY)
        give_back()


def give_back() -> None:
    """Give back what is free."""
    library = _library()
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)
