"""What is told of answers that are no measurement: refusals, web pages, partial answers."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Final

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.schema.text import one_line

_LONGEST_ERROR: Final = 200
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
_UNPROCESSABLE: Final = 422
_SERVER_ERROR: Final = 500
_IS_TRUE: Final = re.compile(rb"\s*:\s*true\b")
_IS_LIST: Final = re.compile(rb"\s*:\s*(?=\[)")
_REMARKS: Final = (b'"warnings"', b'"infos"')
"""Fields of remarks. No label is taken for them: labels are texts, in which quotes are escaped."""
_MOST_REMARKS: Final = 16
"""Lists of remarks that are read; an answer has two."""
_LONGEST_REMARKS: Final = 64 * 1024
"""Bytes of remarks that are read."""
_NAMES: Final = re.compile(r"\s*[:(]?\s*[\"'`{\[]")
"""Where a remark begins to repeat what a series is called: a pod's own words."""
_HINT: Final = "PromQL info: "
"""How Prometheus begins a hint about a query, whose answer is whole."""
_OF_THE_QUERY: Final = "PromQL warning: "
"""How Prometheus begins a warning that a query does not mean what its author thinks."""
_ADVICE: Final = {
    301: "it redirects, which is not followed: name the address that it redirects to",
    302: "it redirects, to a login page perhaps, which is not followed: name an address that answers",
    401: "it does not accept the operator's credentials: see bearerTokenSecret and basicAuthSecret",
    403: "the operator's credentials may not read there",
    404: "there is no Prometheus API at this address: some need a path, as Mimir does /prometheus",
}
"""What to do about refusals that say nothing themselves, by status."""
_ADVICE.update(dict.fromkeys((303, 307, 308), _ADVICE[302]))


def refusal(status: int, body: bytes) -> SourceError:
    """The error of an answer that is not 200.

    Args:
        status: HTTP status.
        body: what came with it, or nothing where that was too long.
    """
    cannot_ask = status in _CANNOT_ASK or status >= _SERVER_ERROR
    fault = SourceFault.DOWN if cannot_ask else SourceFault.BAD_ANSWER
    error = _error(body)
    message = f"Prometheus: HTTP {status} {_told(error)}".rstrip()
    if status == _UNPROCESSABLE and _TOO_MUCH.search(error):
        return TooMuch(message)
    if b"no org id" in body:
        message = f"Prometheus: HTTP {status}: it wants a tenant: set the header X-Scope-OrgID (prometheus.headers in the chart)"
    elif not error and status in _ADVICE:
        message = f"Prometheus: HTTP {status}: {_ADVICE[status]}"
    return SourceError(fault, message)


def require_whole(body: bytes) -> None:
    """Refuse a web page, and an answer that its sender calls partial: neither says anything.

    Args:
        body: of an answer with status 200.

    Raises:
        SourceError: BadAnswer for a page, and for a query that Prometheus warns of; SourceDown for a
            part, as the rest cannot be had now.
    """
    if body.lstrip()[:1] == b"<":
        message = "it answers with a web page: a login page, or the address of something else"
        raise SourceError(SourceFault.BAD_ANSWER, f"Prometheus: {message}")
    reason = _reservation(body)
    if reason is None:
        return
    if reason.startswith(_OF_THE_QUERY):
        raise SourceError(SourceFault.BAD_ANSWER, f"Prometheus: {reason}")
    message = f"Prometheus: a partial answer, which is no answer: {reason}"
    raise SourceError(SourceFault.DOWN, message)


def _reservation(body: bytes) -> str | None:
    """Why an answer is partial: Thanos and Prometheus warn, VictoriaMetrics has a mark for it.

    An answer may be long and is anybody's, so it is searched and not parsed.
    """
    if next(_values(body, b'"isPartial"', _IS_TRUE), None) is not None:
        return "isPartial"
    lists = (_values(body, name, _IS_LIST) for name in _REMARKS)
    for n, place in enumerate(itertools.chain.from_iterable(lists)):
        if n == _MOST_REMARKS:
            return "there are more remarks than can be read"
        for text in _texts(body[place : place + _LONGEST_REMARKS]):
            if not text.startswith(_HINT):
                return one_line(_NAMES.split(text, maxsplit=1)[0], limit=_LONGEST_ERROR)
    return None


def _values(body: bytes, name: bytes, value: re.Pattern[bytes]) -> Iterator[int]:
    """Where such a value of a field begins.

    The name is looked for without a regular expression: that takes ten times as long, and meanwhile
    the event loop waits in vain for its turn.
    """
    place = body.find(name)
    while place >= 0:
        place += len(name)
        found = value.match(body, place)
        if found:
            yield found.end()
        place = body.find(name, place)


def _error(body: bytes) -> str:
    """What Prometheus itself says is wrong (with the query, mostly); nothing of other bodies."""
    error = _object(body).get("error")
    return one_line(error, limit=_LONGEST_ERROR) if isinstance(error, str) else ""


def _told(error: str) -> str:
    """A mistake in a query as it is told; of what goes wrong with series, the kind alone.

    Such an error repeats names and labels of the series, which are a pod's own words.
    """
    if _MISTAKE.match(error):
        return error
    return ", ".join(phrase for phrase in _PHRASES if phrase in error)


def _object(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _texts(beginning: bytes) -> list[str]:
    """The texts of a list, of which this is the beginning."""
    try:
        entries, _ = json.JSONDecoder().raw_decode(beginning.decode(errors="replace"))
    except (ValueError, RecursionError):
        return ["there are remarks that cannot be read"]
    return [str(entry) for entry in entries] if isinstance(entries, list) else []
