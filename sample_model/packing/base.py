"""The base image, by the names that a registry and the engine know it by."""

import json
from dataclasses import dataclass

from packing import engine

OFFICIAL = (
    "python:3.13.14-slim-bookworm"
    "@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8"
)


@dataclass(frozen=True)
class Base:
    """``digest`` is the registry's, None for an image that was never in one; ``id`` the engine's."""

    asked: str
    name: str
    digest: str | None
    id: str

    @property
    def pinned(self) -> str:
        """The name with the digest, where there is one."""
        return f"{self.name}@{self.digest}" if self.digest else self.name


def find(asked: str) -> Base:
    """The base image of this name; its id is its name until it is there."""
    name, _, digest = asked.partition("@")
    known = engine.inspect(asked, "{{.Id}}") or asked
    return Base(asked, name, digest or _registry_digest(asked), known)


def _registry_digest(image: str) -> str | None:
    listed: list[str] = json.loads(engine.inspect(image, "{{json .RepoDigests}}") or "null") or []
    return listed[0].partition("@")[2] if listed else None
