"""Back ends from environment variables, for the operator and for `davylamp replay` alike."""

import json
from collections.abc import Mapping
from typing import Final

from davylamp.adapters.prometheus.connection.back_end import BackEnd

PROMETHEUS: Final = "DAVYLAMP_PROMETHEUS"
USER_QUERIES: Final = "DAVYLAMP_USER_QUERIES"


def back_end_from(env: Mapping[str, str], prefix: str, *, url: str) -> BackEnd:
    """The back end that the variables of a prefix describe.

    Args:
        env: the variables.
        prefix: `PROMETHEUS` or `USER_QUERIES`.
        url: where it is unless `<prefix>_URL` says otherwise.

    Raises:
        ValueError: what they say is no back end; it names the variables, and shows no value of one.
    """

    def text(name: str) -> str:
        return env.get(f"{prefix}_{name}", "").strip()

    try:
        return BackEnd(
            url=(text("URL") or url).rstrip("/"),
            bearer_token_file=text("BEARER_TOKEN_FILE") or None,
            username_file=text("USERNAME_FILE") or None,
            password_file=text("PASSWORD_FILE") or None,
            ca_file=text("CA_FILE") or None,
            certificate_file=text("CERTIFICATE_FILE") or None,
            key_file=text("KEY_FILE") or None,
            headers=_headers(text("HEADERS") or "{}"),
            tenant_header=text("TENANT_HEADER"),
            tenant_parameter=text("TENANT_PARAMETER"),
        )
    except ValueError as error:
        raise ValueError(f"{prefix}_*: {error}") from None


def _headers(text: str) -> dict[str, str]:
    try:
        headers = json.loads(text)
    except ValueError:
        headers = None
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise ValueError("the headers are no JSON object of texts")
    return headers
