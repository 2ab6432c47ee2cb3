"""What keeps a pod from starting that is not its own doing: a node, a registry, a missing object.

Only what is certainly the cluster's counts as a hindrance. A container that ended, or that runs and does
not get ready, has nothing but itself in its way.
"""

import re
from collections.abc import Callable
from typing import Final

from davylamp.rollout.pods.state import ContainerState, PodState

PULL_REASONS: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
"""Reasons of a container whose image is not on the node yet."""
LOST_CAUSES: Final = frozenset({"InvalidImageName", "ErrImageNeverPull"})
"""Reasons that no time changes."""
NOT_THERE: Final = re.compile(
    r"not ?found|manifest unknown|name unknown"
    r"|no match for platform|no matching manifest|no image found in"
    r"|unauthori[sz]ed|authorization failed|denied|forbidden",
    re.IGNORECASE,
)
"""The registry answered, and the answer is no."""
NO_ANSWER: Final = re.compile(
    r"too ?many ?requests|rate limit|quota|time-?out|timed out|deadline ?exceeded|dial tcp|lookup"
    r"|no such host|connection re|broken pipe|\bEOF\b|unavailable|bad gateway|server error"
    r"|misbehaving|temporar|cancell?ed|expired|x509|\btls\b",
    re.IGNORECASE,
)
"""The registry, or the way to it, had a problem of its own."""
OF_THE_NODE: Final = re.compile(
    r"snapshot|extract|content digest|unexpected media type|\blease\b|executable file"
    r"|no space left|read-only file system|(?<!denied: )permission denied",
    re.IGNORECASE,
)
"""The node could not fetch or unpack it: its disk, its store, its helper programs, a proxy's page."""
RUNTIME_BUSY: Final = re.compile(
    r"deadline ?exceeded|reserve container name|no space left|unavailable|connection error",
    re.IGNORECASE,
)
"""What a container runtime that is stuck says of a container that it shall create."""
MISSING_OBJECT: Final = re.compile(r"not found|couldn't find|does not exist", re.IGNORECASE)
"""What a kubelet says of a Secret or ConfigMap, or a key in it, that a container needs."""
_REFERENCES: Final = re.compile(r'(?:image|reference) "[^"]*"|\S*/\S*')
"""Images and addresses in a message: their names are anybody's."""


def is_refused_for_good(container: ContainerState) -> bool:
    """Whether its image cannot be had: the registry says so, or no time changes it."""
    if container.waiting_reason in LOST_CAUSES:
        return True
    words = _REFERENCES.sub(" ", container.waiting_message or "")
    return (
        container.waiting_reason in PULL_REASONS
        and NOT_THERE.search(words) is not None
        and NO_ANSWER.search(words) is None
        and OF_THE_NODE.search(words) is None
    )


def is_hindered(pod: PodState) -> bool:
    """Whether anything but the pod itself keeps it from being ready."""
    return any(rule(pod) for rule in _RULES) or not _has_begun(pod)


def _leaves(pod: PodState) -> bool:
    """The cluster ends it, or its node has stopped reporting."""
    return pod.disruption is not None or pod.node_lost


def _unscheduled(pod: PodState) -> bool:
    return pod.unscheduled is not None


def _pulls(pod: PodState) -> bool:
    """An image is not there yet, and may come."""
    return any(
        container.waiting_reason in PULL_REASONS and not is_refused_for_good(container)
        for container in pod.containers
    )


def _lacks_objects(pod: PodState) -> bool:
    """A Secret or ConfigMap that a container needs may still be created."""
    return any(
        container.waiting_reason == "CreateContainerConfigError"
        and MISSING_OBJECT.search(container.waiting_message or "") is not None
        for container in pod.containers
    )


def _awaits_its_runtime(pod: PodState) -> bool:
    """The container runtime of its node is stuck, and cannot create a container."""
    return any(
        container.waiting_reason in {"CreateContainerError", "RunContainerError"}
        and RUNTIME_BUSY.search(container.waiting_message or "") is not None
        for container in pod.containers
    )


def _gated(pod: PodState) -> bool:
    """Its containers are ready; whoever is in charge of a readiness gate has not opened it."""
    return bool(pod.missing_gates) and all(container.ready for container in pod.containers)


_RULES: Final[tuple[Callable[[PodState], bool], ...]] = (
    _leaves,
    _unscheduled,
    _pulls,
    _lacks_objects,
    _awaits_its_runtime,
    _gated,
)
AT_WORK: Final = frozenset({"ContainerCreating", "PodInitializing"})
"""Reasons that say only that the kubelet is at work."""


def _has_begun(pod: PodState) -> bool:
    """Whether one of its containers has run, or could not be run for what it is."""
    return any(map(_has_run, pod.containers))


def _has_run(container: ContainerState) -> bool:
    ran = container.running or container.ready or container.last_exit_code is not None
    refused = container.waiting_reason is not None and container.waiting_reason not in AT_WORK
    return ran or refused or container.restarts > 0
