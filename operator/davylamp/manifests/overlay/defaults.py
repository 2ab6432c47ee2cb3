"""Defaults that depend on what an overlay says: the port, and the time to stop.

They are read from the overlay before it is merged, and leniently: what is wrong with it, the merge says.
"""

from dataclasses import dataclass
from typing import Final

from davylamp.api import names
from davylamp.api.identity import PORT_NAME
from davylamp.api.serving import Serving
from davylamp.manifests.overlay.essentials import MODEL
from davylamp.manifests.overlay.refused import ROOT, named, refuse
from davylamp.schema.json import JsonObject, entries, field, integer, text

DRAIN_SECONDS: Final = 5
"""Time between leaving the endpoints and SIGTERM: proxies need a moment to learn of it (P12)."""
STOP_SECONDS: Final = 25
"""Time from SIGTERM to SIGKILL."""


@dataclass(frozen=True)
class Stop:
    """How a pod ends."""

    grace: int
    """Seconds in all."""
    drain: int
    """Seconds of them before SIGTERM."""

    @property
    def lifecycle(self) -> JsonObject:
        """The handler that waits."""
        return {"preStop": {"sleep": {"seconds": self.drain}}} if self.drain > 0 else {}


def stop_of(serving: Serving) -> Stop:
    """The time to stop: a short grace period shortens the wait, a long wait lengthens the grace period.

    Raises:
        TemplateRefused: when the overlay's own wait is longer than its own grace period.
    """
    wait = integer(_model(serving), "lifecycle", "preStop", "sleep", "seconds")
    grace = field(serving.template, "spec", "terminationGracePeriodSeconds")
    if not isinstance(grace, int):
        return Stop(max(wait, DRAIN_SECONDS) + STOP_SECONDS, DRAIN_SECONDS)
    if grace < 0:
        refuse(f"{ROOT}.spec.terminationGracePeriodSeconds", f"is {grace}: it cannot be negative")
    if wait > grace:
        path = f"{MODEL}.lifecycle.preStop.sleep.seconds"
        refuse(path, f"is {wait}, but terminationGracePeriodSeconds is {grace}")
    return Stop(grace, min(DRAIN_SECONDS, grace - 1))


def model_port(serving: Serving) -> int:
    """The port that the model listens on: the overlay's port called `http`, else that of the spec.

    Raises:
        TemplateRefused: when they contradict each other.
    """
    default = Serving.model_fields["port"].default
    for position, port in enumerate(entries(_model(serving), "ports")):
        number = integer(port, "containerPort")
        if text(port, "name") != PORT_NAME or number in {0, serving.port}:
            continue
        if serving.port != default:
            path = f"{named(f'{MODEL}.ports', position)}.containerPort"
            refuse(path, f"is {number}, but spec.serving.port is {serving.port}")
        return number
    return serving.port


def _model(serving: Serving) -> JsonObject:
    """The overlay of the model's container."""
    containers = entries(serving.template, "spec", "containers")
    return next((c for c in containers if text(c, "name") == names.CONTAINER), {})
