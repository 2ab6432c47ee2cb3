"""Taking the local cluster's Prometheus away for a while."""

import contextlib
from collections.abc import Iterator
from typing import Final

from lab.kubectl import kubectl, wait_until

DEPLOYMENT: Final = ("deployment/prometheus", "-n", "monitoring")
PATIENCE: Final = 120.0


@contextlib.contextmanager
def stopped() -> Iterator[None]:
    """A context without Prometheus; its data outlives it, what it had not yet written does not."""
    _scale(0)
    try:
        yield
    finally:
        _scale(1)


def _scale(replicas: int) -> None:
    kubectl("scale", *DEPLOYMENT, f"--replicas={replicas}")
    wait_until(
        lambda: _ready() == replicas, timeout=PATIENCE, what=f"{replicas} Prometheus to be ready"
    )


def _ready() -> int:
    return int(kubectl("get", *DEPLOYMENT, "-o", "jsonpath={.status.readyReplicas}") or "0")
