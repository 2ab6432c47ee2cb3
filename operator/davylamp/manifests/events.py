"""Events about a ModelDeployment (core v1), one per transition."""

from datetime import UTC, datetime
from zlib import crc32

from davylamp.api import names
from davylamp.api.identity import Owner
from davylamp.rollout.notices import Notice
from davylamp.schema.json import JsonObject


def event(owner: Owner, notice: Notice, *, now: datetime, reporter: str) -> JsonObject:
    """The Event that tells a notice; its name is unique by the reason, the revision, time and text."""
    involved: JsonObject = {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "name": owner.name,
        "namespace": owner.namespace,
        "uid": owner.uid,
    }
    return event_about(involved, notice, now=now, reporter=reporter)


def event_about(
    involved: JsonObject, notice: Notice, *, now: datetime, reporter: str
) -> JsonObject:
    """An Event about any object: a reference to it with kind, name, namespace and uid."""
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    at, text = int(now.timestamp() * 1e6), crc32(notice.message.encode())
    unique = f"{notice.reason.lower()}.{notice.revision}.{at:x}.{text:x}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{involved['name']}.{unique}",
            "namespace": involved["namespace"],
        },
        "involvedObject": involved,
        "type": notice.severity,
        "reason": notice.reason.value,
        "message": notice.message[:1024],
        "source": {"component": names.FIELD_MANAGER, "host": reporter},
        "reportingComponent": names.FIELD_MANAGER,
        "reportingInstance": reporter,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
