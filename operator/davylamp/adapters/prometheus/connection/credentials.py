"""What a request is authorised with: read from files anew each time, as Secrets rotate."""

import base64
import re
from pathlib import Path
from typing import Final

import requests
from requests.auth import AuthBase
from typing_extensions import override

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.connection.back_end import BackEnd

_TOKEN: Final = re.compile(rb"[\x21-\x7e]+")


class FileCredentials(AuthBase):
    """Adds the token, or user and password, as they stand in their files now.

    It also keeps a .netrc from being used, and removes what it finds from a request without any.
    """

    def __init__(self, back_end: BackEnd) -> None:
        self._back_end = back_end

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its credentials.

        Raises:
            SourceError: they cannot be used as they stand there; it neither holds them nor quotes them.
        """
        back_end = self._back_end
        if back_end.bearer_token_file is not None:
            token = _line(back_end.bearer_token_file, "bearer token").strip()
            if not _TOKEN.fullmatch(token):
                raise _unusable("bearer token", "is not one line of plain text")
            request.headers["Authorization"] = f"Bearer {token.decode()}"
        elif back_end.username_file is not None and back_end.password_file is not None:
            user = _line(back_end.username_file, "user of basic authentication")
            password = _line(back_end.password_file, "password of basic authentication")
            pair = base64.b64encode(user + b":" + password).decode()
            request.headers["Authorization"] = f"Basic {pair}"
        return request


def _line(path: str, what: str) -> bytes:
    """A file without the end of its line, which editors add."""
    try:
        text = Path(path).read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise _unusable(what, f"cannot be read: {type(error).__name__}") from None
    if not text:
        raise _unusable(what, "is empty")
    return text


def _unusable(what: str, why: str) -> SourceError:
    return SourceError(SourceFault.DOWN, f"Prometheus: the {what} in its Secret {why}")
