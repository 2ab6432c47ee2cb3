"""HTTP session for prometheus-api-client that closes the gaps the library leaves.

The library sends POST queries in the URL, follows redirects, reads answers of any length for any
time, and puts answer bodies into its exceptions. All of that is decided here instead.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import requests
from typing_extensions import override

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.connection.credentials import FileCredentials
from davylamp.adapters.prometheus.connection.refusals import refusal, require_whole
from davylamp.adapters.prometheus.texts.answers import AnswerText, as_source_errors
from davylamp.adapters.reading.in_hand import BytesInHand

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
CAUTIOUS: Final[Mapping[str, str]] = {
    # Thanos: no answer rather than a part of one, and each replica's series once
    "partial_response": "false",
    "dedup": "true",
    # VictoriaMetrics: what was scraped in the last 30 s too, not the value before repeated
    "nocache": "1",
    "latency_offset": "1ms",
}
"""What every query says besides: back ends that do not know a parameter pass it over."""
TENANT: Final = "davylamp_tenant"
"""The parameter by which a query says for which namespace it is asked; it is never sent as such."""


class PrometheusSession(requests.Session):
    """One attempt, no redirect, a bounded body, form-encoded queries, fresh credentials each time.

    Args:
        back_end: what is asked; nothing of its credentials is sent anywhere else.
        deadline: seconds for request and answer as a whole.
        answer_limit: bytes of an answer.
        in_hand: counts the bytes of all answers that are in memory.
    """

    def __init__(
        self, back_end: BackEnd, *, deadline: float, answer_limit: int, in_hand: BytesInHand
    ) -> None:
        super().__init__()
        self.auth = FileCredentials(back_end)
        self.headers.update(back_end.headers)
        self.headers["Accept-Encoding"] = "identity"
        if back_end.ca_file is not None:
            self.verify = back_end.ca_file
        if back_end.certificate_file is not None and back_end.key_file is not None:
            self.cert = (back_end.certificate_file, back_end.key_file)
        self._back_end = back_end
        self._deadline = deadline
        self._answer_limit = answer_limit
        self._in_hand = in_hand

    @override
    def request(self, method: str | bytes, url: str | bytes, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send; raise `SourceError` for any status but 200."""
        if method == "POST":
            self._compose(options)
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
                raise refusal(response.status_code, _content(response))
            text = AnswerText(b"".join(iter(partial(body.read, _PIECE), b"")))
            require_whole(text.text)
        finally:
            response.close()  # else what is cut off stays open
            body.let_go()
        self._in_hand.hold(text, len(text.text))
        return _UnreadAnswer(text)

    def _compose(self, options: dict[str, Any]) -> None:
        """Turn what the library sends into a form, with what this back end needs besides."""
        form = {**CAUTIOUS, **(options.pop("params", None) or {})}
        tenant = form.pop(TENANT, "")
        options["data"] = form
        if not self._back_end.is_shared_out:
            return
        if not tenant:
            raise SourceError(SourceFault.BAD_ANSWER, "Prometheus: a query of no namespace")
        header, parameter = self._back_end.tenant_header, self._back_end.tenant_parameter
        if header:
            options["headers"] = {**(options.get("headers") or {}), header: tenant}
        if parameter:
            options["params"] = {parameter: tenant}


class _UnreadAnswer(requests.Response):
    """Gives the library the text where it takes a result out: what is in there others find out."""

    def __init__(self, text: AnswerText) -> None:
        super().__init__()
        self.status_code = requests.codes.ok
        self._text = text

    @override
    def json(self, **_options: Any) -> dict[str, dict[str, AnswerText]]:
        return {"data": {"result": self._text}}


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


def _content(response: requests.Response) -> bytes:
    """The body of a refusal; nothing of one that is too long."""
    try:
        return response.content
    except TooMuch:
        return b""
