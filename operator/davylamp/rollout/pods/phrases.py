"""What kubelets, runtimes and registries say about pods, reduced to words that are ours.

Their messages repeat more than they know: what a probe or a hook printed, where a probe was redirected
to, a command in which a Secret's value was filled in, what somebody who plays a registry answered. So no
message is repeated. It is searched for phrases of this list, and these are told; names of objects are
told where the pod itself has them.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

PHRASES: Final = (
    "not found",
    "manifest unknown",
    "name unknown",
    "no match for platform",
    "repository does not exist",
    "unauthorized",
    "authorization failed",
    "authentication required",
    "access denied",
    "access to the resource is denied",
    "forbidden",
    "too many requests",
    "rate limit",
    "no such host",
    "server misbehaving",
    "connection refused",
    "connection reset",
    "no route to host",
    "network is unreachable",
    "broken pipe",
    "i/o timeout",
    "TLS handshake timeout",
    "timed out",
    "Client.Timeout exceeded",
    "context deadline exceeded",
    "DeadlineExceeded",
    "certificate signed by unknown authority",
    "certificate has expired",
    "x509",
    "server gave HTTP response to HTTPS client",
    "bad gateway",
    "service unavailable",
    "internal server error",
    "malformed HTTP",
    "unexpected EOF",
    "connection error",
    "invalid reference format",
    "unexpected media type",
    "failed to extract layer",
    "no space left on device",
    "read-only file system",
    "permission denied",
    "operation not permitted",
    "executable file not found in $PATH",
    "no such file or directory",
    "exec format error",
    "is a directory",
    "not a directory",
    "failed to reserve container name",
    "out of memory",
    "image will run as root",
    "container's runAsUser breaks non-root policy",
    "image has non-numeric user",
    "must specify runAsNonRoot",
    "references non-existent secret key",
    "references non-existent config key",
    "hostPath type check failed",
    "failed to attach volume",
    "Multi-Attach error",
    "Unable to attach or mount volumes",
    "wrong fs type",
    "bad superblock",
    "failed to create subPath directory",
    "failed to prepare subPath",
    "not registered",
    "driver name",
    "failed to set up sandbox",
    "failed to setup network for sandbox",
    "network is not ready",
    "no IP addresses available",
    "exceeded quota",
)
"""What is looked for, in the order in which it is told. Each is told as it stands here."""
_STATUS: Final = re.compile(
    r"(?:status ?code:? |status from [A-Z]+ request to \S+: )([1-5][0-9]{2})\b"
)
_OBJECT: Final = re.compile(r'\b(secret|configmap|persistentvolumeclaim) "([^"]+)" not found')
_KEY: Final = re.compile(r"couldn't find key (\S+) in (Secret|ConfigMap) (\S+)")
_VOLUME: Final = re.compile(r'volume "([^"]+)"')
_REFERENCES: Final = re.compile(r'(?:image|reference) "[^"]*"|https?://\S+')
"""Images and addresses: their names are anybody's."""


def phrases_in(message: str) -> str:
    """What a message says that is on the list; empty where it says nothing of it."""
    text = _REFERENCES.sub(" ", message).lower()
    status = _STATUS.search(message)
    parts = [phrase for phrase in PHRASES if phrase.lower() in text]
    whole = [part for part in parts if not any(part in other for other in parts if other != part)]
    return ", ".join([*([f"HTTP {status.group(1)}"] if status else []), *whole])


def objects_in(message: str, names: Collection[str]) -> str:
    """Which object is missing, or which volume it is about, where the pod names it; else empty."""
    return next(_objects(message, names), "")


def _objects(message: str, names: Collection[str]) -> Iterator[str]:
    for kind, name in _OBJECT.findall(message):
        yield f'{kind} "{name}" not found' if name in names else f"{kind} not found"
    for key, kind, path in _KEY.findall(message):
        name = path.rpartition("/")[2]
        if name in names and key in names:
            yield f"couldn't find key {key} in {kind} {name}"
    for name in _VOLUME.findall(message):
        if name in names:
            yield f'volume "{name}"'
