"""Credentials for registries, from Secrets of type `kubernetes.io/dockerconfigjson`.

Source: https://kubernetes.io/docs/concepts/containers/images (matching of hosts in `auths`).
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from davylamp.adapters.registries.documents import read_document
from davylamp.schema.json import JsonObject, section, text

LARGEST: Final = 256 * 1024
"""Characters of a Secret's entry that are read."""
KEY: Final = ".dockerconfigjson"
_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password for one registry; never shown."""

    username: str = field(repr=False)
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """As a header carries them."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


def credentials_for(host: str, name: str, secrets: Iterable[JsonObject]) -> Credentials | None:
    """The first credentials for a repository; of several that fit, those with the longest path.

    Args:
        host: the registry with its port.
        name: the repository's name there.
        secrets: pull Secrets, as the API gives them; anything else in them is passed over.
    """
    for secret in secrets:
        fitting = [
            (len(path), entry)
            for key, entry in _auths(secret).items()
            if isinstance(entry, dict) and (path := _path(key, host)) is not None
            if path in {"", name} or name.startswith(f"{path}/")
        ]
        for _, entry in sorted(fitting, key=lambda fit: -fit[0]):
            credentials = _read(entry)
            if credentials is not None:
                return credentials
    return None


def _auths(secret: JsonObject) -> JsonObject:
    encoded = text(secret, "data", KEY)
    if not encoded or len(encoded) > LARGEST:
        return {}
    try:
        content = base64.b64decode(encoded, validate=True)
    except ValueError:
        return {}
    return section(read_document(content), "auths")


def _path(key: str, host: str) -> str | None:
    """The path of an entry for a host; None where the entry is for another host."""
    plain = key.removeprefix("https://").removeprefix("http://")
    entry_host, _, path = plain.partition("/")
    same = _is_for(entry_host, host) or {entry_host, host} <= _HUB
    path = path.strip("/")
    return ("" if path in {"v1", "v2"} else path) if same else None


def _is_for(pattern: str, host: str) -> bool:
    """Whether a host is meant; as for kubelets, a pattern stands within one part of its name."""
    name, _, port = host.partition(":")
    patterns, _, same_port = pattern.partition(":")
    parts, wanted = name.split("."), patterns.split(".")
    return (
        port == same_port
        and len(parts) == len(wanted)
        and all(fnmatchcase(*pair) for pair in zip(parts, wanted, strict=True))
    )


def _read(entry: JsonObject) -> Credentials | None:
    username, password = text(entry, "username"), text(entry, "password")
    if not (username and password):
        try:
            pair = base64.b64decode(text(entry, "auth"), validate=True).decode()
        except ValueError:
            return None
        username, _, password = pair.partition(":")
    usable = username and password and (username + password).isprintable()
    return Credentials(username, password) if usable else None
