"""Hostile pods and a hostile Prometheus on every route at once, against all that reads them."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator

from davylamp.controller.process.lag import PROMISED

SECONDS = 12
LIMIT = 384.0
"""MiB that the chart gives the container."""
RESERVED = 64.0
"""MiB of it for what a busy operator has besides: caches of objects and evidence."""
AS_BUSY = 5.0
"""Times as late as a process beside it that the operator may be for want of a processor: it does more at a time."""
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@contextlib.contextmanager
def beside(module: str) -> Iterator[subprocess.Popen[str]]:
    """A process of a module, as soon as it has begun to print."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENV,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_memory_and_event_loop_hold_while_every_answer_is_hostile():
    """Nothing blocks the loop for `PROMISED`, on an idle machine by the clock.

    On a busy one every process waits for a processor, which no program can mend. So what is asserted is the
    time without that, and that the whole of it is no more than the same and some times what a process beside
    it is late.
    """
    with beside("tests.support.besiegers") as servers, beside("tests.support.bystander") as other:
        ports = servers.stdout.readline().strip()
        other.stdout.readline()
        besieged = [sys.executable, "-m", "tests.support.besieged", str(SECONDS), ports]
        done = subprocess.run(
            besieged, capture_output=True, env=ENV, text=True, timeout=120, check=False
        )
        beside_it = float(other.communicate()[0])
    assert done.returncode == 0, done.stderr[-3000:]
    took = {**json.loads(done.stdout), "beside it": beside_it}
    print(took)
    assert took["peak"] < LIMIT - RESERVED, took
    assert took["busy"] < PROMISED, took
    assert took["held"] < PROMISED, took
    assert took["late"] < PROMISED + AS_BUSY * beside_it, took
