"""One conversation with one registry about one repository: asked for a token, sent elsewhere, bounded.

Who wrote the ModelDeployment chose the registry, and the registry chooses where it sends us: every
step is checked like the first one. Credentials go to the registry that they are for, and to the token
service that it names; nothing of an answer but its status, its digest and bounded bytes is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

from davylamp.adapters.registries.addresses import is_address, is_allowed
from davylamp.adapters.registries.challenge import token_service, wants_basic
from davylamp.adapters.registries.credentials import Credentials
from davylamp.adapters.registries.documents import read_document
from davylamp.adapters.registries.settings import RegistrySettings
from davylamp.images import ImageFault, ImageReference
from davylamp.images.reference import DOCKER_HUB_REGISTRY
from davylamp.schema.json import text

MOST_STEPS: Final = 6
"""Requests for one answer: a challenge, and some redirects."""
LARGEST_TOKEN: Final = 64 * 1024
"""Bytes of a token service's answer."""
LONGEST_TOKEN: Final = 7000
"""Characters of a token: the longest that fits into a header of common servers."""
UNAUTHORIZED: Final = 401
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class RegistryRefused(Exception):  # noqa: N818 - what happened, as `Unresolved` has it
    """There is no answer that can be used.

    Args:
        fault: of which kind.
        message: a sentence of our own words.
    """

    def __init__(self, fault: ImageFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message


@dataclass(frozen=True, slots=True)
class RegistryAnswer:
    """What came back: the status, the digest and the type that the registry claims, the bytes."""

    status: int
    digest: str
    media_type: str
    body: bytes


class Conversation:
    """Asks one registry about one repository.

    Args:
        session: how it is asked.
        settings: which registries may be asked.
        reference: the repository.
        credentials: for this registry, if there are any.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: RegistrySettings,
        reference: ImageReference,
        credentials: Credentials | None,
    ) -> None:
        self._session = session
        self._settings = settings
        self._reference = reference
        self._credentials = credentials
        self._authorization = ""

    @property
    def repository(self) -> str:
        """Where the images are, as commands name it."""
        host = self._reference.host
        host = "docker.io" if host == DOCKER_HUB_REGISTRY else host
        return f"{host}/{self._reference.name}"

    @property
    def has_credentials(self) -> bool:
        """Whether there is a name and a password for this registry."""
        return self._credentials is not None

    async def ask(
        self, method: str, path: str, *, accept: str = "*/*", largest: int = 0, moves: bool = False
    ) -> RegistryAnswer:
        """One answer to one question; raises RegistryRefused.

        Args:
            method: GET or HEAD.
            path: after the repository's name, e.g. `manifests/v1`.
            accept: types of documents that can be read.
            largest: bytes of a body that are read; more is refused.
            moves: whether another host may have the bytes although credentials were used: only for
                what is asked by its own digest.
        """
        host = self._reference.host
        scheme = "http" if host in self._settings.plain_http else "https"
        url = f"{scheme}://{host}/v2/{self._reference.name}/{path}"
        headers = {"Accept": accept}
        for _ in range(MOST_STEPS):
            self._check(url)
            is_home = urlsplit(url).netloc == host
            sent = {"Authorization": self._authorization} if is_home and self._authorization else {}
            async with self._session.request(
                method, URL(url, encoded=True), headers={**headers, **sent}, allow_redirects=False
            ) as answer:
                if answer.status == UNAUTHORIZED and is_home and not self._authorization:
                    challenges = answer.headers.getall("WWW-Authenticate", [])
                    if not await self._authorized(", ".join(challenges)):
                        return await _read(answer, 0)
                elif answer.status in REDIRECTS:
                    url = self._sent_on(url, answer.headers.get("Location", ""), moves=moves)
                else:
                    return await _read(answer, largest)
        raise RegistryRefused(ImageFault.BAD_ANSWER, f"registry {host} sends us around in circles")

    async def _authorized(self, challenge: str) -> bool:
        """Whether there is now something to authorize ourselves with: a token rather than a password."""
        self._authorization = await self._token(challenge)
        if not self._authorization and self._credentials and wants_basic(challenge):
            self._authorization = self._credentials.basic
        return bool(self._authorization)

    async def _token(self, challenge: str) -> str:
        """A token for reading this repository; empty where there is none to be had."""
        service = token_service(challenge, plain_http=self._settings.plain_http)
        if service is None:
            return ""
        scope = f"repository:{self._reference.name}:pull"
        query = {"service": service.service, "scope": scope}
        joined = "&" if urlsplit(service.realm).query else "?"
        url = f"{service.realm}{joined}{urlencode(query)}"
        self._check(url)
        headers = {"Authorization": self._credentials.basic} if self._credentials else {}
        async with self._session.get(
            URL(url, encoded=True), headers=headers, allow_redirects=False
        ) as answer:
            read = await _read(answer, LARGEST_TOKEN)
        document = read_document(read.body) if read.status == 200 else {}
        token = text(document, "token") or text(document, "access_token")
        is_usable = len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable()
        return f"Bearer {token}" if token and is_usable else ""

    def _sent_on(self, url: str, location: str, *, moves: bool) -> str:
        """Where a redirect leads; with credentials, a tag is answered by its own registry alone."""
        host = self._reference.host
        try:
            target = urljoin(url, location)
            is_elsewhere = urlsplit(target).netloc != urlsplit(url).netloc
        except ValueError:
            raise RegistryRefused(
                ImageFault.BAD_ANSWER, f"registry {host} sends us nowhere"
            ) from None
        if is_elsewhere and self._credentials and not moves:
            raise RegistryRefused(
                ImageFault.BAD_ANSWER, f"registry {host} sends us to another host"
            )
        return target

    def _check(self, url: str) -> None:
        """Refuse a URL that a stranger must not make us ask."""
        host = self._reference.host
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        name = parts.hostname or ""
        netloc = f"[{name}]" if ":" in name else name
        netloc = f"{netloc}:{port}" if port else netloc
        is_open = parts.scheme == "http" and netloc in self._settings.plain_http
        if not name or "@" in parts.netloc or not (parts.scheme == "https" or is_open):
            raise RegistryRefused(
                ImageFault.BAD_ANSWER, f"registry {host} sends us somewhere without TLS"
            )
        if is_address(name) and not (self._settings.is_trusted(netloc) or is_allowed(name)):
            raise RegistryRefused(
                ImageFault.NOT_ALLOWED, f"registry {host} has an address that is not asked"
            )


async def _read(answer: aiohttp.ClientResponse, largest: int) -> RegistryAnswer:
    """An answer with its bytes, as far as they are wanted."""
    headers: Mapping[str, str] = answer.headers
    body = bytearray()
    if largest and answer.method != "HEAD":
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > largest:
                raise RegistryRefused(
                    ImageFault.BAD_ANSWER, f"the registry answered more than {largest} bytes"
                )
    return RegistryAnswer(
        answer.status,
        headers.get("Docker-Content-Digest", ""),
        headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        bytes(body),
    )
