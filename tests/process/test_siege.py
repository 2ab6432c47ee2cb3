"""Hostile pods and a hostile Prometheus on every route at once, against all that reads them."""

import json
import os
import subprocess
import sys

SECONDS = 12
LIMIT = 384.0
"""MiB that the chart gives the container."""
RESERVED = 64.0
"""MiB of it for what a busy operator has besides: caches of objects and evidence."""
BUSY = 0.25
"""Seconds for which nothing blocks the event loop."""


def test_memory_and_event_loop_hold_while_every_answer_is_hostile():
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    besiegers = [sys.executable, "-m", "tests.support.besiegers"]
    with subprocess.Popen(
        besiegers, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True
    ) as servers:
        ports = servers.stdout.readline().strip()
        besieged = [sys.executable, "-m", "tests.support.besieged", str(SECONDS), ports]
        try:
            done = subprocess.run(
                besieged, capture_output=True, env=env, text=True, timeout=120, check=False
            )
        finally:
            servers.kill()
    assert done.returncode == 0, done.stderr[-3000:]
    took = json.loads(done.stdout)
    print(took)
    assert took["peak"] < LIMIT - RESERVED, took
    assert took["busy"] < BUSY, took
