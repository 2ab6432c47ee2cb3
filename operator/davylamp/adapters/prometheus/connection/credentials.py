"""What a request is authorised with: read from files anew each time, as Secrets rotate."""

import base64
from pathlib import Path

import requests
from requests.auth import AuthBase
from typing_extensions import override

from davylamp.adapters.prometheus.connection.back_end import BackEnd


class FileCredentials(AuthBase):
    """Adds the token, or user and password, as they stand in their files now.

    It also keeps a .netrc from being used, and removes what it finds from a request without any.
    """

    def __init__(self, back_end: BackEnd) -> None:
        self._back_end = back_end

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its credentials; `OSError` or `ValueError` where they cannot be read."""
        back_end = self._back_end
        if back_end.bearer_token_file is not None:
            token = _line(back_end.bearer_token_file).decode("ascii").strip()
            request.headers["Authorization"] = f"Bearer {token}"
        elif back_end.username_file is not None and back_end.password_file is not None:
            pair = b":".join(map(_line, (back_end.username_file, back_end.password_file)))
            request.headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return request


def _line(path: str) -> bytes:
    """A file without the end of its line, which editors add."""
    return Path(path).read_bytes().rstrip(b"\r\n")
