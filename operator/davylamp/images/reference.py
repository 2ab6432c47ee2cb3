"""Which registry an image repository is in, and under which name there.

Source: distribution/reference: the first part is a host where it has a dot or a colon, or is
`localhost`; everything else is on Docker Hub, where names without a slash belong to `library`.
"""

import re
from dataclasses import dataclass
from typing import Final

DOCKER_HUB: Final = frozenset({"docker.io", "index.docker.io"})
DOCKER_HUB_REGISTRY: Final = "registry-1.docker.io"
LONGEST: Final = 255
_NAME: Final = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_HOST: Final = re.compile(
    r"(?P<name>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
    r"|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A repository as its registry knows it.

    Attributes:
        host: host of the registry, with its port if it has one of its own.
        name: the repository's name there.
        tag: the tag.
    """

    host: str
    name: str
    tag: str


def parse_reference(repository: str, tag: str) -> ImageReference:
    """The registry, name and tag; raises ValueError, naming no part of what it was given."""
    first, slash, rest = repository.partition("/")
    if slash and (first == "localhost" or any(mark in first for mark in ".:")):
        host, name = first, rest
    else:
        host, name = "docker.io", repository
    if host in DOCKER_HUB:
        host = DOCKER_HUB_REGISTRY
        name = name if "/" in name else f"library/{name}"
    match = _HOST.fullmatch(host)
    if match is None or int(match["port"] or 1) > 65535:
        raise ValueError("the repository's registry is no host name")
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise ValueError("the repository is no name that a registry could have")
    if not _TAG.fullmatch(tag):
        raise ValueError("the tag is none that a registry could have")
    return ImageReference(host, name, tag)


def parse_image(image: str) -> tuple[ImageReference, str | None]:
    """The reference and the digest of an image as a container names it; raises ValueError."""
    tagged, _, digest = image.partition("@")
    repository, colon, tag = tagged.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = tagged, "latest"
    if digest and not is_digest(digest):
        raise ValueError("the image's digest is none that an image could have")
    return parse_reference(repository, tag), digest or None


def is_digest(text: str) -> bool:
    """Whether a text is a digest as images have them: sha256 and 64 hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None
