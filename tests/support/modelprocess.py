"""The sample model's server as a process of its own, and a request to it."""

import time
import urllib.request

import pytest

ROW = {
    "age": 59,
    "sex": 2,
    "bmi": 32.1,
    "bp": 101,
    "s1": 157,
    "s2": 93.2,
    "s3": 38,
    "s4": 4,
    "s5": 4.8598,
    "s6": 87,
}
"""One patient, within the data contract."""


def wait_ready(port, seconds=60.0):
    """Until the server on a port says that it can answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("the server did not become ready")
