"""Image ids as container runtimes report them.

One image has several: `registry.example/model@sha256:…` names what was pulled by a registry's
digest, a bare `sha256:…` the image's own configuration where it was loaded without a registry. Ids
of different spellings say nothing about each other.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

_DIGITS: Final = re.compile(r"[0-9a-f]{64}")


def read_image_id(text: str) -> str | None:
    """The image id of a container status without the runtime's prefix, such as `docker-pullable://`.

    CRI-O names a configuration by its hexadecimal digits alone.
    """
    image_id = text.rpartition("://")[2]
    return f"sha256:{image_id}" if _DIGITS.fullmatch(image_id) else image_id or None


def digest_of(image_id: str) -> str:
    """The digest in an image id."""
    return image_id.rpartition("@")[2]


def shared_digest(image_ids: Iterable[str]) -> str | None:
    """The digest that all pods of a revision run, None where it is not known or not one.

    A registry's digest comes before that of a configuration, by which nothing can be pulled.
    """
    ids = set(image_ids)
    pulled = {digest_of(image_id) for image_id in ids if "@" in image_id}
    digests = pulled or ids
    return next(iter(digests)) if len(digests) == 1 else None


def differing(image_ids: Iterable[str]) -> Iterator[list[str]]:
    """Digests of which there are several in one spelling: those pods run different images."""
    spellings: dict[str, set[str]] = defaultdict(set)
    for image_id in image_ids:
        repository, _, digest = image_id.rpartition("@")
        spellings[repository].add(digest)
    for _, digests in sorted(spellings.items()):
        if len(digests) > 1:
            yield sorted(digests)
