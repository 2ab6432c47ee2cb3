"""The process that reads: `python -m davylamp.adapters.reading.worker MEMORY`, one text at a time.

Its standard input is a socket to the process that started it; when that is closed, it ends. It imports
what it is asked to run, and no more.

* Memory: a limit on its data, so that a text that unfolds ends in `MemoryError` here and never in the
  container's own limit, where Kubernetes kills all processes of a container together.
* Priority: less than the leader's event loop, which waits for no processor because of a text.
* Time: a timer of CPU seconds, whose signal nobody handles: the kernel ends the process, also in the
  middle of a regular expression. The clock on the wall would punish texts for a busy machine.
"""

import contextlib
import gc
import importlib
import os
import pickle
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.reading.frames import (
    ANSWER_HEAD,
    QUESTION_HEAD,
    ReadingOutcome,
    ReadingTask,
    packed,
)
from davylamp.adapters.reading.limits import NOTHING_TO_READ, UnreadableError

GROWTH: Final = 32 * 1024
"""KiB by which it may have grown before it makes room for a new one: Python keeps what it had."""

YIELDING: Final = 5
"""Steps by which it is less urgent than who asks: it gets a quarter of a processor that both want."""


def main(memory: int) -> None:
    """Read until nobody asks any more."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # if the machine is out of memory, rather us than the leader
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    os.nice(YIELDING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; whoever started us ends us
    gc.disable()  # parsed texts have no cycles, and looking for some doubles the time
    with socket.socket(fileno=os.dup(0)) as channel:
        while answer := _next(channel):
            channel.sendall(answer)
            if ANSWER_HEAD.unpack_from(answer)[1]:
                return


def _next(channel: socket.socket) -> bytes | None:
    """The answer to the next question; None when there is none any more."""
    head = _received(channel, QUESTION_HEAD.size)
    if not head:
        return None
    question_size, text_size = QUESTION_HEAD.unpack(head)
    question: ReadingTask = pickle.loads(_received(channel, question_size))  # noqa: S301 - is ours
    text = bytes(_received(channel, text_size))
    task = getattr(importlib.import_module(question.module), question.function)
    gc.freeze()  # modules are not looked at again
    before = _peak()
    began = time.process_time()
    outcome, body = _read(task, text, question)
    seconds = time.process_time() - began
    gc.collect()  # what errors leave behind
    is_last = _peak() - before > GROWTH or outcome is ReadingOutcome.TOO_MUCH
    return ANSWER_HEAD.pack(outcome, is_last, seconds, len(body)) + body


def _read(
    task: Callable[..., Any], text: bytes, question: ReadingTask
) -> tuple[ReadingOutcome, bytes]:
    signal.setitimer(signal.ITIMER_PROF, question.seconds)
    try:
        body = packed(task(text, *question.arguments))
    except MemoryError:
        return ReadingOutcome.TOO_MUCH, b"takes more memory than one reading may"
    except OperatorError as error:
        return ReadingOutcome.UNREADABLE, error.message.encode(errors="replace")
    except UnreadableError as error:
        return ReadingOutcome.UNREADABLE, str(error).encode(errors="replace")
    except ValueError:
        return ReadingOutcome.UNREADABLE, NOTHING_TO_READ.encode()
    except RecursionError:
        return ReadingOutcome.UNREADABLE, b"is nested too deeply"
    except Exception as error:  # noqa: BLE001 - a bug, which must not be taken for the text's fault
        return ReadingOutcome.FAILED, type(error).__name__.encode()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if len(body) > question.result:
        return ReadingOutcome.TOO_MUCH, b"says more than one reading may"
    return ReadingOutcome.READ, body


def _received(channel: socket.socket, size: int) -> bytearray:
    """So many bytes; none when the other side has gone."""
    text = bytearray(size)
    view, place = memoryview(text), 0
    while place < size:
        count = channel.recv_into(view[place:])
        if not count:
            return bytearray()
        place += count
    return text


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(int(sys.argv[1]))
