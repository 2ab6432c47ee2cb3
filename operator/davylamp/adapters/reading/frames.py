"""What goes between this process and the one that reads: a question with a text, an answer.

Both are Python's own pickles: both ends are this program. What comes back is loaded with only our
own classes all the same, as the other end has looked at texts of strangers.
"""

import builtins
import enum
import io
import pickle
import struct
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

QUESTION_HEAD: Final = struct.Struct("!II")
"""Lengths of the question and of the text after it."""
ANSWER_HEAD: Final = struct.Struct("!B?dI")
"""`ReadingOutcome`, whether the process ends now, seconds of CPU, length of the body."""
_BUILTINS: Final = frozenset({"set", "frozenset", "complex", "bytearray"})


class ReadingOutcome(enum.IntEnum):
    """How a reading ended."""

    READ = 0
    """The body is the result."""
    UNREADABLE = 1
    """The body is a sentence."""
    TOO_MUCH = 2
    """The body is a sentence."""
    FAILED = 3
    """The body is the name of an error that nobody expected."""


@dataclass(frozen=True, slots=True)
class ReadingTask:
    """What to do with a text: a function of a module, its further arguments, and the limits."""

    module: str
    function: str
    arguments: tuple[Any, ...]
    seconds: float
    result: int


def packed(value: object) -> bytes:
    """A value as bytes."""
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def unpacked(body: bytes) -> Any:
    """A value that `packed` made, of builtin types and classes of this package.

    Raises:
        pickle.UnpicklingError: anything else is in it.
    """
    return _OwnClasses(io.BytesIO(body)).load()


class _OwnClasses(pickle.Unpickler):
    @override
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name == "builtins" and global_name in _BUILTINS:
            return getattr(builtins, global_name)
        if module_name.startswith("davylamp."):
            thing = super().find_class(module_name, global_name)
            if isinstance(thing, type):
                return thing
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no class of ours")
