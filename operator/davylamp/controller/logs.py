"""JSON lines on standard output: one object per record, kopf's records and ours alike.

Fields: ts, level, logger, msg; namespace and name of the object that a record is about; whatever
`about` or `extra={"fields": {...}}` adds; exception: the frames and kinds of errors, with messages of our
own errors alone. Credentials in messages are redacted.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from typing_extensions import override

from davylamp.adapters.errors import OperatorError

_CREDENTIALS: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), r"\1 ***"),
    (re.compile(r"://[^/\s:@]+:[^/\s@]+@"), "://***@"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"), "***"),
)
MOST_FRAMES: Final = 30
MOST_CAUSES: Final = 10
_REFERENCE: Final = ("namespace", "name", "kind")


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": redacted(_message(record)),
            **_fields(record),
        }
        if record.exc_info:
            entry["exception"] = redacted(_frames(record.exc_info[1]))
        return json.dumps(entry, default=str, ensure_ascii=False)


class ObjectLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records carry fields; those of a call win over those of the logger."""

    @override
    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[object, MutableMapping[str, Any]]:
        extra = kwargs.get("extra") or {}
        fields = {**(self.extra or {}), **extra.get("fields", {})}
        return msg, {**kwargs, "extra": {**extra, "fields": fields}}


def about(logger: logging.Logger, **fields: str) -> ObjectLogger:
    """A logger for one object: `about(log, namespace="models", name="risk", revision="9a01")`."""
    return ObjectLogger(logger, fields)


def configure(level: str, *, stream: TextIO | None = None) -> None:
    """Have every logger of the process write JSON lines, from `level` (a name) upwards.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        stream: where to; standard output if none.

    Raises:
        ValueError: no such level.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash
    for chatty in ("aiohttp.access", "urllib3", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _log_crash(
    kind: type[BaseException], error: BaseException, frames: TracebackType | None
) -> None:
    """What ends the process is a record as any other: Python's own report has values in it."""
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger(__name__).critical("crashed", exc_info=(kind, error, frames))


def redacted(text: str) -> str:
    """The text without what looks like a token or a password in a URL."""
    for pattern, instead in _CREDENTIALS:
        text = pattern.sub(instead, text)
    return text


def _message(record: logging.LogRecord) -> str:
    """What a record says; of asyncio's about a lost task, without the task, which shows its error."""
    message = record.getMessage()
    return message.partition("\n")[0] if record.name == "asyncio" else message


def _frames(error: BaseException | None) -> str:
    """Where an error came from, without the messages of errors that are not our own.

    Python's put the value into them that it could not read, and a value may come from a model's pod.
    """
    lines: list[str] = []
    chain = list(_chain(error))
    for cause in reversed(chain):
        lines += traceback.format_tb(cause.__traceback__, limit=-MOST_FRAMES)
        message = f": {cause}" if isinstance(cause, OperatorError) else ""
        lines.append(f"{type(cause).__module__}.{type(cause).__qualname__}{message}\n")
    return "".join(lines).rstrip()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what caused it, or was being handled; of a group, its first member too."""
    known: set[int] = set()
    while error is not None and id(error) not in known and len(known) < MOST_CAUSES:
        known.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        else:
            hidden = error.__suppress_context__
            error = error.__cause__ or (None if hidden else error.__context__)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Extra fields, and the object's reference that kopf attaches to its records."""
    reference = getattr(record, "k8s_ref", None)
    fields = getattr(record, "fields", None)
    extra: dict[str, object] = {}
    if isinstance(reference, Mapping):
        extra |= {key: reference[key] for key in _REFERENCE if reference.get(key)}
    if isinstance(fields, Mapping):
        extra |= fields
    return {key: _plain(value) for key, value in extra.items()}


def _plain(value: object) -> object:
    return value if isinstance(value, int | float) else redacted(str(value))
