"""How a registry wants to be asked: its `WWW-Authenticate`. Read without trusting it.

Source: the token specification of distribution, and RFC 9110, section 11.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 4096
_PARAMETER: Final = re.compile(r'([A-Za-z]{1,32})="([^"\\]{0,2048})"')
_SERVICE: Final = re.compile(r"[ -~]{1,256}")


@dataclass(frozen=True, slots=True)
class TokenService:
    """Where a token is to be had, and for which service."""

    realm: str
    service: str


def wants_basic(header: str) -> bool:
    """Whether a registry takes a name and a password with every request."""
    return _after("basic", header) is not None


def token_service(header: str, *, plain_http: frozenset[str]) -> TokenService | None:
    """Where the challenge sends us for a token; None where it does not, or where we do not go.

    Args:
        header: the challenge.
        plain_http: hosts that may be asked without TLS.
    """
    rest = _after("bearer", header)
    if rest is None:
        return None
    # the first of each name: those of another scheme may follow
    parameters = {name.lower(): value for name, value in reversed(_PARAMETER.findall(rest))}
    realm, service = parameters.get("realm", ""), parameters.get("service", "")
    try:
        parts = urlsplit(realm)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = f"{parts.hostname}{port}"
    if "@" in parts.netloc or not parts.hostname or parts.fragment:
        return None
    if parts.scheme != "https" and not (parts.scheme == "http" and host in plain_http):
        return None
    return TokenService(realm, service if _SERVICE.fullmatch(service) else "")


def _after(scheme: str, header: str) -> str | None:
    """What follows a scheme in a challenge, which may offer several; None without it."""
    if len(header) > LONGEST:
        return None
    match = re.search(rf"(?:^|,)\s*{scheme} ", header, re.IGNORECASE)
    return header[match.end() :] if match else None
