"""HTTP session for prometheus-api-client that closes the gaps the library leaves.

The library sends POST queries in the URL, follows redirects, reads answers of any length for any
time, and puts answer bodies into its exceptions. All of that is decided here instead.
"""

import json
import re
import time
from pathlib import Path
from typing import Any, Final

import requests
from requests.auth import AuthBase
from typing_extensions import override

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.schema.text import one_line

ANSWER_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of an answer: while it is read it takes fifteen times as much memory. The operator asks
about less where it would be longer."""
_USER_ANSWER_LIMIT: Final = 1024 * 1024
"""Bytes of an answer to a range query. Those are user queries: whoever may write one must not be
able to fill the operator's memory, and one series of 10,000 points takes less than half of it."""
_BODY_LIMIT: Final = 64 * 1024
"""Bytes of an answer that is an error."""
_ERROR_LIMIT: Final = 200
_TOO_MUCH: Final = re.compile(r"too many|too much|exceed|more than|limit", re.IGNORECASE)
"""How Prometheus and its kin say that a query would load more than it may."""
_CANNOT_ASK: Final = frozenset({401, 403, 408, 429})


class PrometheusSession(requests.Session):
    """One attempt, no redirect, a bounded body, form-encoded queries, a fresh token each time.

    Args:
        token_file: file with a bearer token, if one is needed.
        ca_file: certificates to trust instead of the system's.
        deadline: seconds for request and answer as a whole.
        answer_limit: bytes of an answer.
    """

    def __init__(
        self,
        *,
        token_file: str | None,
        ca_file: str | None,
        deadline: float,
        answer_limit: int,
    ) -> None:
        super().__init__()
        self.auth = _TokenFile(Path(token_file) if token_file else None)
        self.headers["Accept-Encoding"] = "identity"
        if ca_file is not None:
            self.verify = ca_file
        self._deadline = deadline
        self._answer_limit = answer_limit

    @override
    def request(self, method: str | bytes, url: str | bytes, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send; raise `SourceError` for any status but 200."""
        if method == "POST":
            options["data"] = options.pop("params", None)
        ends = time.monotonic() + self._deadline
        response = super().request(method, url, **options, allow_redirects=False, stream=True)
        limit, advice = self._answer_limit, ""
        if str(url).endswith("/query_range"):
            limit, advice = _USER_ANSWER_LIMIT, ": aggregate it to one series, by sum or max"
        is_ok = response.status_code == requests.codes.ok
        response.raw = _BoundedBody(
            response.raw, ends=ends, limit=limit if is_ok else _BODY_LIMIT, advice=advice
        )
        try:
            if not is_ok:
                raise _refused(response)
            _ = response.content
        finally:
            response.close()  # else what is cut off stays open
        response.__class__ = _UnreadAnswer
        return response


class _UnreadAnswer(requests.Response):
    """Gives the library the text where it takes a result out: what is in there others find out."""

    @override
    def json(self, **_options: Any) -> dict[str, dict[str, bytes]]:
        return {"data": {"result": self.content}}


class _TokenFile(AuthBase):
    """Adds the token as it stands in the file now; also keeps a .netrc from being used."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._path is not None:
            token = self._path.read_text(encoding="ascii").strip()
            request.headers["Authorization"] = f"Bearer {token}"
        return request


class _BoundedBody:
    """Body that ends in an error when it comes too slowly or is too long.

    The library's time-out starts anew with each piece, so that a trickle would hold a thread for
    ever; and no answer we asked for needs that much memory.
    """

    def __init__(self, body: Any, *, ends: float, limit: int, advice: str) -> None:
        self._body = body
        self._ends = ends
        self._left = limit
        self._advice = advice

    def read(self, amount: int) -> bytes:
        """Next piece, as soon as some of it is there."""
        piece: bytes = self._body.read1(amount)
        self._left -= len(piece)
        if time.monotonic() > self._ends:
            raise requests.ReadTimeout
        if self._left < 0:
            raise TooMuch(f"Prometheus: the answer is too long{self._advice}")
        return piece

    def close(self) -> None:
        self._body.close()

    def release_conn(self) -> None:
        self._body.release_conn()


def _refused(response: requests.Response) -> SourceError:
    status = response.status_code
    cannot_ask = status in _CANNOT_ASK or status >= requests.codes.server_error
    fault = SourceFault.DOWN if cannot_ask else SourceFault.BAD_ANSWER
    try:
        error = _error(response.content)
    except TooMuch:
        error = ""
    message = f"Prometheus: HTTP {status} {error}".rstrip()
    if status == requests.codes.unprocessable_entity and _TOO_MUCH.search(error):
        return TooMuch(message)
    return SourceError(fault, message)


def _error(body: bytes) -> str:
    """What Prometheus itself says is wrong (with the query, mostly); nothing of other bodies."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    error = answer.get("error") if isinstance(answer, dict) else None
    return one_line(error, limit=_ERROR_LIMIT) if isinstance(error, str) else ""
