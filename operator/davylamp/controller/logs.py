"""JSON lines on standard output: one object per record, kopf's records and ours alike.

Fields: ts, level, logger, msg; namespace and name of the object that a record is about; whatever
`about` or `extra={"fields": {...}}` adds; exception with its traceback. Credentials in messages are
redacted.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from typing_extensions import override

_CREDENTIALS: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), r"\1 ***"),
    (re.compile(r"://[^/\s:@]+:[^/\s@]+@"), "://***@"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"), "***"),
)
_REFERENCE: Final = ("namespace", "name", "kind")


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": redacted(record.getMessage()),
            **_fields(record),
        }
        if record.exc_info:
            entry["exception"] = redacted(self.formatException(record.exc_info))
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
    for chatty in ("aiohttp.access", "urllib3", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def redacted(text: str) -> str:
    """The text without what looks like a token or a password in a URL."""
    for pattern, instead in _CREDENTIALS:
        text = pattern.sub(instead, text)
    return text


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
