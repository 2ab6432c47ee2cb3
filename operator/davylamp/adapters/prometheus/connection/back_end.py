"""Where queries are sent: Prometheus, or what speaks its HTTP API. Only ever from settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_PARAMETER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NOT_TO_BE_SET: Final = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that are secrets, which belong into files, or that make another request of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackEnd:
    """What answers queries, and how it is asked. Secrets are named by their files only.

    Attributes:
        url: http(s) address, with a path prefix if there is one.
        bearer_token_file: file with a bearer token, read for each request as such tokens rotate.
        username_file: file with the user's name for basic authentication; read like a token.
        password_file: file with that user's password.
        ca_file: certificates to trust instead of the system's.
        certificate_file: certificate by which the operator is known, in PEM.
        key_file: its private key.
        headers: further headers of each request, such as a tenant's; no secrets.
        tenant_header: header that gets the namespace that a query is asked for.
        tenant_parameter: parameter of the URL that gets it.

    Raises:
        ValueError: the URL is not plain http(s), or carries credentials; a header is none; there
            are two kinds of credentials, or half of one.
    """

    url: str
    bearer_token_file: str | None = None
    username_file: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    tenant_header: str = ""
    tenant_parameter: str = ""

    def __post_init__(self) -> None:
        """Refuse what could only fail later, or do something else."""
        _require_plain(self.url)
        if (self.username_file is None) != (self.password_file is None):
            raise ValueError("basic authentication needs a user and a password")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("a client certificate needs its key")
        if self.bearer_token_file and self.username_file:
            raise ValueError("there is a bearer token and basic authentication: choose one")
        for name, value in self.headers.items():
            _require_header(name)
            if not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"the value of the header {name} is not plain printable text")
        if self.tenant_header:
            _require_header(self.tenant_header)
        if self.tenant_parameter and not _PARAMETER.fullmatch(self.tenant_parameter):
            raise ValueError(f"{self.tenant_parameter!r} is no name of a parameter")

    @property
    def is_shared_out(self) -> bool:
        """Whether each query has to say for which namespace it is asked."""
        return bool(self.tenant_header or self.tenant_parameter)

    @property
    def exposes_credentials(self) -> bool:
        """Whether a secret goes over the network in plain text."""
        has_secret = bool(self.bearer_token_file or self.username_file)
        return has_secret and urlsplit(self.url).scheme == "http"


def _require_header(name: str) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header")
    if name.lower() in _NOT_TO_BE_SET:
        raise ValueError(f"the header {name} must not be set: name a Secret for credentials")


def _require_plain(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the address of Prometheus is no http(s) URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address of Prometheus carries credentials: use a token file")
    if parts.query or parts.fragment:
        raise ValueError("the address of Prometheus has a query or a fragment")
