"""Reads Events about pods: which of them are told, and what of their messages. Pure."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from davylamp.rollout.pods.phrases import objects_in, phrases_in
from davylamp.schema.json import JsonObject, text

WARNINGS: Final = frozenset(
    {
        "BackOff",
        "ErrImageNeverPull",
        "Failed",
        "FailedAttachVolume",
        "FailedCreatePodContainer",
        "FailedCreatePodSandBox",
        "FailedMapVolume",
        "FailedMount",
        "FailedPostStartHook",
        "FailedPreStopHook",
        "FailedSync",
        "FailedToRetrieveImagePullSecret",
        "FailedValidation",
        "InspectFailed",
        "InvalidEnvironmentVariableNames",
        "NetworkNotReady",
        "NodeNotReady",
        "ProbeWarning",
        "Unhealthy",
    }
)
"""Reasons of kubelets' Events that are told; whoever may create Events may invent others."""
_PROBE: Final = re.compile(r"(Startup|Readiness|Liveness) probe")


def newest_warning(events: Iterable[JsonObject], objects: Collection[str]) -> str | None:
    """What was warned of a pod last; that no node took it is over once it has one.

    Args:
        events: about the pod, whoever wrote them.
        objects: names that the pod itself has: only these are told.
    """
    telling = [event for event in events if text(event, "reason") in WARNINGS]
    newest = max(telling, key=_told_at, default=None)
    if newest is None:
        return None
    message = text(newest, "message")
    probe = _PROBE.match(message)
    words = objects_in(message, objects) or phrases_in(message)
    parts = (text(newest, "reason"), f"{probe.group()} failed" if probe else "", words)
    return ": ".join(filter(None, parts))


def _told_at(event: JsonObject) -> str:
    """When an Event was told last: the API server spells all such times alike."""
    times = (
        text(event, "series", "lastObservedTime"),
        text(event, "lastTimestamp"),
        text(event, "eventTime"),
        text(event, "metadata", "creationTimestamp"),
    )
    return max(times)
