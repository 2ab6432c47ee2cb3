"""Asks a registry which digest a tag has, and whether the right key has signed it.

A client of our own: those for Python are synchronous (oras, python-dxf), or follow redirects and send
credentials as they come; see docs/decisions/0040-images-are-pinned.md.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import aiohttp

from davylamp.adapters.registries.addresses import GuardedResolver, narrow_socket
from davylamp.adapters.registries.conversation import Conversation, RegistryAnswer, RegistryRefused
from davylamp.adapters.registries.credentials import credentials_for
from davylamp.adapters.registries.keys import load_key
from davylamp.adapters.registries.settings import RegistrySettings
from davylamp.adapters.registries.signatures import verify
from davylamp.images import ImageAnswer, ImageFault, ImageReference, Resolved, Unresolved
from davylamp.images.reference import is_digest
from davylamp.schema.json import JsonObject

LARGEST_MANIFEST: Final = 4 * 1024 * 1024
"""Bytes of a manifest: what registries accept at most."""
PER_HOST: Final = 4
"""Connections to one registry at the same time."""
IMAGE_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
OK: Final = 200
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
NO_SUCH_METHOD: Final = 405
BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Codes that say "not now"."""


class Registries(Protocol):
    """Who knows what tags mean."""

    async def resolve(
        self,
        reference: ImageReference,
        *,
        secrets: Iterable[JsonObject] = (),
        digest: str | None = None,
        keys: Sequence[str] | None = None,
    ) -> ImageAnswer:
        """The digest of a tag, or of what is given, signed with one of the keys if there are any."""


class HttpRegistries:
    """`Registries` over the OCI distribution API; `aclose` ends it.

    Args:
        settings: which registries are asked, and how.
    """

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Close the session; the next question would open another."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def resolve(
        self,
        reference: ImageReference,
        *,
        secrets: Iterable[JsonObject] = (),
        digest: str | None = None,
        keys: Sequence[str] | None = None,
    ) -> ImageAnswer:
        """See `Registries.resolve`."""
        host, settings = reference.host, self._settings
        if not settings.is_asked(host):
            return Unresolved(
                ImageFault.NOT_ALLOWED,
                f"registry {host} is not in the chart's modelImages.registries",
            )
        credentials = credentials_for(host, reference.name, secrets)
        conversation = Conversation(self._opened(), settings, reference, credentials)
        try:
            async with asyncio.timeout(settings.timeout):
                resolved = digest or await _digest(conversation, reference)
                if keys is not None:
                    await verify(conversation, resolved, [load_key(key) for key in keys])
        except RegistryRefused as refused:
            return Unresolved(refused.fault, refused.message)
        except TimeoutError:
            why = f"registry {host} gave no answer within {settings.timeout:g} s"
            return Unresolved(ImageFault.UNREACHABLE, why)
        except aiohttp.ClientConnectorCertificateError:
            why = f"the certificate of registry {host} is not trusted: see modelImages.caSecret of the chart"
            return Unresolved(ImageFault.UNREACHABLE, why)
        except (aiohttp.ClientError, OSError, ValueError):
            return Unresolved(ImageFault.UNREACHABLE, f"registry {host} cannot be reached")
        return Resolved(resolved)

    def _opened(self) -> aiohttp.ClientSession:
        """The session, opened with the first question: it belongs to the running event loop."""
        if self._session is None:
            context = ssl.create_default_context()
            if self._settings.ca_file:
                context.load_verify_locations(self._settings.ca_file)
            hosts = self._settings.plain_http | self._settings.allowed
            connector = aiohttp.TCPConnector(
                ssl=context,
                resolver=GuardedResolver(hosts),
                use_dns_cache=False,
                limit_per_host=PER_HOST,
                force_close=True,
                socket_factory=narrow_socket,
            )
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout),
                auto_decompress=False,  # a small answer must not unfold into a large one
                headers={"Accept-Encoding": "identity", "User-Agent": "davylamp"},
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=connector,
                trust_env=False,
            )
        return self._session


async def _digest(conversation: Conversation, reference: ImageReference) -> str:
    """The digest of a tag: as the registry names it, or that of the bytes themselves."""
    path, accept = f"manifests/{reference.tag}", ", ".join(IMAGE_TYPES)
    head = await conversation.ask("HEAD", path, accept=accept)
    if head.status == OK and is_digest(head.digest):
        _check_type(reference, head)
        return head.digest
    if head.status not in {OK, NO_SUCH_METHOD}:
        raise _refusal(conversation, reference, head.status)
    answer = await conversation.ask("GET", path, accept=accept, largest=LARGEST_MANIFEST)
    if answer.status != OK:
        raise _refusal(conversation, reference, answer.status)
    _check_type(reference, answer)
    digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
    if answer.digest not in {"", digest}:
        raise RegistryRefused(
            ImageFault.BAD_ANSWER,
            f"registry {reference.host} names another digest than that of what it sends",
        )
    return digest


def _check_type(reference: ImageReference, answer: RegistryAnswer) -> None:
    if answer.media_type not in IMAGE_TYPES:
        raise RegistryRefused(
            ImageFault.BAD_ANSWER,
            f"tag {reference.tag} of {reference.name} at registry {reference.host} is no image of a "
            "kind that has a digest of its own",
        )


def _refusal(conversation: Conversation, reference: ImageReference, status: int) -> RegistryRefused:
    host, name = reference.host, reference.name
    if status == NOT_FOUND:
        what = f"registry {host} has no tag {reference.tag} of {name}"
        return RegistryRefused(ImageFault.NOT_FOUND, what)
    if status in {UNAUTHORIZED, FORBIDDEN}:
        way = "name a Secret that has some in spec.image.pullSecrets"
        if conversation.has_credentials:
            way = "those of spec.image.pullSecrets are not enough"
        what = f"registry {host} does not let {name} be read without other credentials: {way}"
        return RegistryRefused(ImageFault.DENIED, what)
    fault = ImageFault.BUSY if status in BUSY else ImageFault.BAD_ANSWER
    return RegistryRefused(fault, f"registry {host} answered {status}")
