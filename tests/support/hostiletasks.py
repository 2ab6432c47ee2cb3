"""What a hostile text may make of a reading: functions as the worker runs them."""

import json
import os
import re
import signal


def length(text: bytes, factor: int = 1) -> int:
    return len(text) * factor


def document(text: bytes) -> object:
    return json.loads(text)


def hang(text: bytes) -> bool:
    """A regular expression that goes back for ever, in C and without letting go."""
    return re.match(rb"(a+)+b", b"a" * 60) is not None


def die(text: bytes) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def unfold(text: bytes) -> int:
    return len([bytes(1024 * 1024) for _ in range(400)])


def say_much(text: bytes) -> bytes:
    return bytes(8 * 1024 * 1024)


def be_a_function(text: bytes) -> object:
    return os.system


def pid(text: bytes) -> int:
    return os.getpid()


def urgency(text: bytes) -> int:
    return os.nice(0)


def have_a_bug(text: bytes) -> int:
    return {"a": 1}[len(text)]
