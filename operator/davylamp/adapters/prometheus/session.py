"""HTTP session for prometheus-api-client that closes the gaps the library leaves.

The library sends POST queries in the URL, follows redirects, reads answers of any length for any
time, and puts answer bodies into its exceptions. All of that is decided here instead.
"""

import json
import re
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import requests
from requests.auth import AuthBase
from typing_extensions import override

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.adapters.prometheus.texts.answers import AnswerText, as_source_errors
from davylamp.adapters.reading.in_hand import BytesInHand
from davylamp.schema.text import one_line

ANSWER_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of an answer: while it is read it takes fifteen times as much memory. The operator asks
about less where it would be longer."""
_USER_ANSWER_LIMIT: Final = 1024 * 1024
"""Bytes of an answer to a range query. Those are user queries: whoever may write one must not be
able to fill the operator's memory, and one series of 10,000 points takes less than half of it."""
_BODY_LIMIT: Final = 64 * 1024
"""Bytes of an answer that is an error."""
_PIECE: Final = 64 * 1024
"""Bytes that are read at a time: the library's own pieces are so small that a thread which receives a long
answer keeps the event loop from its turn."""
_ERROR_LIMIT: Final = 200
_TOO_MUCH: Final = re.compile(r"too many|too much|exceed|more than|limit", re.IGNORECASE)
"""How Prometheus and its kin say that a query would load more than it may."""
_MISTAKE: Final = re.compile(r'(invalid parameter "?\w+"?: )?[0-9]+:[0-9]+: parse error: ')
"""A query that cannot be read: it was not run, so the error has words of the query alone."""
_PHRASES: Final = (
    "found duplicate series for the match group",
    "many-to-many matching not allowed",
    "multiple matches for labels",
    "grouping labels must ensure unique matches",
    "vector cannot contain metrics with the same labelset",
    "query processing would load too many samples",
    "exceeded maximum resolution of 11,000 points",
    "query timed out",
    "query was canceled",
    "too many outstanding requests",
    "the query hit the max number of series limit",
    "the query exceeded the maximum number of chunks",
    "invalid step",
    "end timestamp must not be before start time",
    "bounds are the wrong way around",
    "no org id",
    "unauthorized",
    "forbidden",
    "rate limit",
    "context deadline exceeded",
    "service unavailable",
)
"""What Prometheus and its kin say of queries that were run, without the series that they name."""
_CANNOT_ASK: Final = frozenset({401, 403, 408, 429})


class PrometheusSession(requests.Session):
    """One attempt, no redirect, a bounded body, form-encoded queries, a fresh token each time.

    Args:
        token_file: file with a bearer token, if one is needed.
        ca_file: certificates to trust instead of the system's.
        deadline: seconds for request and answer as a whole.
        answer_limit: bytes of an answer.
        in_hand: counts the bytes of all answers that are in memory.
    """

    def __init__(
        self,
        *,
        token_file: str | None,
        ca_file: str | None,
        deadline: float,
        answer_limit: int,
        in_hand: BytesInHand,
    ) -> None:
        super().__init__()
        self.auth = _TokenFile(Path(token_file) if token_file else None)
        self.headers["Accept-Encoding"] = "identity"
        if ca_file is not None:
            self.verify = ca_file
        self._deadline = deadline
        self._answer_limit = answer_limit
        self._in_hand = in_hand

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
        body = _BoundedBody(
            response.raw,
            ends=ends,
            limit=limit if is_ok else _BODY_LIMIT,
            advice=advice,
            in_hand=self._in_hand,
        )
        response.raw = body
        try:
            if not is_ok:
                raise _refused(response)
            text = AnswerText(b"".join(iter(partial(body.read, _PIECE), b"")))
        finally:
            response.close()  # else what is cut off stays open
            body.let_go()
        self._in_hand.hold(text, len(text.text))
        return _UnreadAnswer(text)


class _UnreadAnswer(requests.Response):
    """Gives the library the text where it takes a result out: what is in there others find out."""

    def __init__(self, text: AnswerText) -> None:
        super().__init__()
        self.status_code = requests.codes.ok
        self._text = text

    @override
    def json(self, **_options: Any) -> dict[str, dict[str, AnswerText]]:
        return {"data": {"result": self._text}}


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

    def __init__(
        self, body: Any, *, ends: float, limit: int, advice: str, in_hand: BytesInHand
    ) -> None:
        self._body = body
        self._in_hand = in_hand
        self._taken = 0
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
        with as_source_errors():
            self._in_hand.take(len(piece))
        self._taken += len(piece)
        return piece

    def let_go(self) -> None:
        """Nobody holds the pieces any more."""
        self._in_hand.give_back(self._taken)
        self._taken = 0

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
    message = f"Prometheus: HTTP {status} {_told(error)}".rstrip()
    if status == requests.codes.unprocessable_entity and _TOO_MUCH.search(error):
        return TooMuch(message)
    return SourceError(fault, message)


def _error(body: bytes) -> str:
    """What Prometheus itself says is wrong (with the query, mostly); nothing of other bodies."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = answer.get("error") if isinstance(answer, dict) else None
    return one_line(error, limit=_ERROR_LIMIT) if isinstance(error, str) else ""


def _told(error: str) -> str:
    """A mistake in a query as it is told; of what goes wrong with series, which the error repeats,
    the kind alone."""  # noqa: D205, D209
    if _MISTAKE.match(error):
        return error
    return ", ".join(phrase for phrase in _PHRASES if phrase in error)
