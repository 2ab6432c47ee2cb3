"""Which keys must have signed the images of which repositories. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from davylamp.images.reference import DOCKER_HUB, DOCKER_HUB_REGISTRY, ImageReference


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Images of these repositories need a signature with one of these keys.

    Attributes:
        repositories: patterns of `host/name`; `*` stands for anything, slashes included.
        keys: public keys in PEM.
    """

    repositories: tuple[str, ...]
    keys: tuple[str, ...]


def keys_for(reference: ImageReference, rules: Iterable[KeyRule]) -> tuple[str, ...] | None:
    """The keys of the first rule that covers a repository; None where none does."""
    names = _spellings(reference)
    for rule in rules:
        if any(fnmatchcase(name, pattern) for name in names for pattern in rule.repositories):
            return rule.keys
    return None


def _spellings(reference: ImageReference) -> tuple[str, ...]:
    """A repository as a rule may name it: without the usual ports, Docker Hub by its usual name."""
    host = reference.host.removesuffix(":443").removesuffix(":80")
    hosts, repositories = {reference.host, host}, {reference.name}
    if host in {*DOCKER_HUB, DOCKER_HUB_REGISTRY}:
        hosts.add("docker.io")
        if "/" not in reference.name:
            repositories.add(f"library/{reference.name}")
    return tuple(
        f"{name}/{repository}" for name in sorted(hosts) for repository in sorted(repositories)
    )
