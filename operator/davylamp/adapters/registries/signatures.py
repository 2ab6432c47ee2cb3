"""Looks for a signature of some bytes that one of some keys has made: classic ones, and bundles.

All that is read may be a stranger's: it is bounded in number, bytes and depth, each blob has to have
the digest that it is asked by, and nothing but the verdict leaves this module.
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

from davylamp.adapters.registries.conversation import Conversation, RegistryAnswer, RegistryRefused
from davylamp.adapters.registries.documents import read_document
from davylamp.adapters.registries.keys import PublicKey, is_signed
from davylamp.images import ImageFault
from davylamp.images.reference import is_digest
from davylamp.images.signed import (
    BUNDLE,
    PREDICATE,
    PREDICATE_ANNOTATION,
    SIGNATURE_ANNOTATION,
    SIMPLE_SIGNING,
    has_statement,
    is_simple_signing_of,
    is_statement_of,
    signed_text,
)
from davylamp.schema.json import JsonObject, entries, section, text

MOST_SIGNATURES: Final = 16
"""Signatures of each kind that are looked at."""
LARGEST_LIST: Final = 256 * 1024
"""Bytes of a list of signatures: read in the event loop, so within some tens of milliseconds."""
LARGEST_PAYLOAD: Final = 64 * 1024
"""Bytes of what was signed, or of a bundle."""
_MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
_INDEX: Final = "application/vnd.oci.image.index.v1+json"
NOT_FOUND: Final = 404


async def verify(conversation: Conversation, digest: str, keys: Sequence[PublicKey]) -> None:
    """Return if a key has signed these bytes; raises RegistryRefused if none has."""
    is_any = False
    async for message, signature, speaks_of_it in _signatures(conversation, digest):
        is_any = True
        if speaks_of_it and is_signed(message, signature, keys):
            return
    sign = f"sign it: `cosign sign --key KEY {conversation.repository}@{digest}`"
    if is_any:
        why = "no signature of the image was made for these bytes with a key that is demanded"
        raise RegistryRefused(ImageFault.BADLY_SIGNED, f"{why}; {sign}")
    raise RegistryRefused(
        ImageFault.UNSIGNED, f"the image has no signature in its registry; {sign}"
    )


async def _signatures(
    conversation: Conversation, digest: str
) -> AsyncIterator[tuple[bytes, bytes, bool]]:
    """What was signed, the signature, and whether it is about these bytes."""
    async for signed in _classic(conversation, digest):
        yield signed
    async for signed in _bundles(conversation, digest):
        yield signed


async def _classic(
    conversation: Conversation, digest: str
) -> AsyncIterator[tuple[bytes, bytes, bool]]:
    """Layers of the image `sha256-<hex>.sig`, whose annotations are the signatures."""
    tag = digest.replace(":", "-") + ".sig"
    manifest = await _document(conversation, f"manifests/{tag}", _MANIFESTS)
    layers = [x for x in entries(manifest, "layers") if text(x, "mediaType") == SIMPLE_SIGNING]
    for layer in layers[:MOST_SIGNATURES]:
        payload = await _blob(conversation, text(layer, "digest"))
        signature = _decoded(text(layer, "annotations", SIGNATURE_ANNOTATION))
        yield payload, signature, is_simple_signing_of(read_document(payload), digest)


async def _bundles(
    conversation: Conversation, digest: str
) -> AsyncIterator[tuple[bytes, bytes, bool]]:
    """Artefacts that refer to the image and hold one bundle each."""
    for referrer in await _referrers(conversation, digest):
        name = text(referrer, "digest")
        if not is_digest(name):
            continue
        manifest = await _document(conversation, f"manifests/{name}", _MANIFESTS, digest=name)
        layer = next(iter(entries(manifest, "layers")), {})
        bundle = read_document(await _blob(conversation, text(layer, "digest")))
        envelope = section(bundle, "dsseEnvelope")
        payload = _decoded(text(envelope, "payload"))
        about = has_statement(envelope) and is_statement_of(read_document(payload), digest)
        for signed in entries(envelope, "signatures")[:MOST_SIGNATURES]:
            yield signed_text(payload), _decoded(text(signed, "sig")), about


async def _referrers(conversation: Conversation, digest: str) -> list[JsonObject]:
    """Bundles that refer to the image; from the tag for that where a registry keeps no list."""
    answer = await conversation.ask(
        "GET", f"referrers/{digest}", accept=_INDEX, largest=LARGEST_LIST
    )
    if answer.status == NOT_FOUND:
        tag = digest.replace(":", "-")
        listed = await _document(conversation, f"manifests/{tag}", _INDEX)
    else:
        listed = read_document(_checked(answer).body)
    bundles = [x for x in entries(listed, "manifests") if text(x, "artifactType") == BUNDLE]
    # attestations are bundles, too, and may be many: what says that it is a signature comes first
    bundles.sort(key=lambda bundle: text(bundle, "annotations", PREDICATE_ANNOTATION) != PREDICATE)
    return bundles[:MOST_SIGNATURES]


async def _document(
    conversation: Conversation, path: str, accept: str, *, digest: str = ""
) -> JsonObject:
    """A document, {} where there is none; with a digest it has to be that document."""
    answer = await conversation.ask("GET", path, accept=accept, largest=LARGEST_LIST)
    if answer.status == NOT_FOUND:
        return {}
    body = _checked(answer).body
    return {} if digest and _digest_of(body) != digest else read_document(body)


async def _blob(conversation: Conversation, digest: str) -> bytes:
    """The bytes of a digest; none where they are not had, or are others."""
    if not is_digest(digest):
        return b""
    answer = await conversation.ask("GET", f"blobs/{digest}", largest=LARGEST_PAYLOAD, moves=True)
    if answer.status == NOT_FOUND:
        return b""
    body = _checked(answer).body
    return body if _digest_of(body) == digest else b""


def _checked(answer: RegistryAnswer) -> RegistryAnswer:
    if answer.status != 200:
        raise RegistryRefused(
            ImageFault.BUSY,
            f"the registry answered {answer.status} when asked for signatures",
        )
    return answer


def _digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _decoded(encoded: str) -> bytes:
    """Base64, and nothing for anything else."""
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        return b""
