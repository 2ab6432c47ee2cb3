"""Reads what the chart says about images from variables of the environment."""

import json
from typing import Final, Protocol

from davylamp.adapters.registries.keys import load_key
from davylamp.adapters.registries.settings import RegistrySettings
from davylamp.controller.images.settings import Digests, ImageSettings
from davylamp.images import KeyRule
from davylamp.schema.json import Json, entries

_KEYS: Final = "IMAGE_KEYS"


class TextVariable(Protocol):
    """Who has the variables `DAVYLAMP_*`."""

    def __call__(self, name: str, default: str, /) -> str:
        """A variable by the rest of its name."""


def read_images(text: TextVariable, *, reads_secrets: bool) -> ImageSettings:
    """The settings about images; raises `ValueError` naming the variable that is invalid."""
    digests = text("IMAGE_DIGESTS", Digests.OFF)
    if digests not in set(Digests):
        names = ", ".join(Digests)
        raise ValueError(f"DAVYLAMP_IMAGE_DIGESTS: {digests!r} is none of {names}")
    return ImageSettings(
        digests=Digests(digests),
        registries=RegistrySettings(
            plain_http=_hosts(text("PLAIN_HTTP_REGISTRIES", "")),
            allowed=_hosts(text("REGISTRIES", "")),
            ca_file=text("REGISTRY_CA_FILE", "") or None,
        ),
        rules=_rules(text(_KEYS, "") or "[]"),
        pull_secrets=reads_secrets,
    )


def _hosts(listed: str) -> frozenset[str]:
    return frozenset(host.strip().lower() for host in listed.split(",") if host.strip())


def _rules(content: str) -> tuple[KeyRule, ...]:
    """Rules for keys; one that cannot be read is refused, as without it anything would run."""
    try:
        document: Json = json.loads(content)
    except ValueError:
        raise ValueError(f"DAVYLAMP_{_KEYS}: is no JSON") from None
    rules = tuple(
        KeyRule(_texts(rule.get("repositories")), _texts(rule.get("keys")))
        for rule in entries({"rules": document}, "rules")
    )
    if not isinstance(document, list) or len(rules) != len(document):
        raise ValueError(f"DAVYLAMP_{_KEYS}: is no list of objects")
    for number, rule in enumerate(rules):
        if not rule.repositories or not rule.keys:
            raise ValueError(f"DAVYLAMP_{_KEYS}: rule {number} needs repositories and keys")
        for key in rule.keys:
            try:
                load_key(key)
            except ValueError as error:
                raise ValueError(f"DAVYLAMP_{_KEYS}: a key of rule {number} {error}") from None
    return rules


def _texts(listed: Json) -> tuple[str, ...]:
    items = listed if isinstance(listed, list) else []
    return tuple(item for item in items if isinstance(item, str))
