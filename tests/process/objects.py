"""Objects as bytes: good ones, and those that do harm where they are parsed without a look."""

from collections.abc import Mapping
from typing import Final

from tests.process.apiserver import KINDS, VERSION, Place

TENANT: Final = "tenant"
MEGABYTE: Final = 1_000_000


def model_place(name: str) -> Place:
    """Where a ModelDeployment is."""
    return Place("modeldeployments", TENANT, name)


def model(name: str, template: bytes = b"{}") -> bytes:
    """A ModelDeployment with a template for its pods."""
    spec = b'{"image":{"repository":"r/m","tag":"v1"},"featureSnapshot":{"id":"s"},"seed":1,'
    rest = b'"spec":%s"serving":{"template":%s}}' % (spec, template)
    return written("modeldeployments", name, rest)


def child(plural: str, name: str, rest: bytes) -> bytes:
    """An object that says it is a child of the model `good`."""
    labels = b'"labels":{"app.kubernetes.io/managed-by":"davylamp","davylamp.dev/model":"good"},'
    return written(plural, name, rest, labels)


def written(plural: str, name: str, rest: bytes, described: bytes = b"") -> bytes:
    """An object with these members after its metadata."""
    version, kind = (word.encode() for word in KINDS[plural])
    unique, place = name.encode(), TENANT.encode()
    names = b'"name":"%s","namespace":"%s","uid":"uid-%s",' % (unique, place, unique)
    times = b'"generation":1,"creationTimestamp":"2026-01-01T00:00:00Z"'
    metadata = b'{%s%s"resourceVersion":"%s",%s}' % (described, names, VERSION, times)
    head = b'"apiVersion":"%s","kind":"%s"' % (version, kind)
    return b'{%s,"metadata":%s,%s}' % (head, metadata, rest)


def _nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


HEAVY: Final[Mapping[str, bytes]] = {
    "deep": _nested(5_000),
    "deeper": _nested(100_000),
    "deep-lists": b'{"a":' + b"[" * 400_000 + b"]" * 400_000 + b"}",
    "many": b'{"a":[' + b"{}," * (MEGABYTE // 3) + b"{}]}",
    "many-keys": b"{" + b",".join(b'"k%d":0' % n for n in range(80_000)) + b"}",
    "huge": b'{"a":"' + b"x" * (MEGABYTE * 2) + b'"}',
    "escapes": b'{"a":"' + b"\\\\" * (MEGABYTE // 2) + b'"}',
}
"""Values that are too heavy in one way each."""
BROKEN: Final[Mapping[str, bytes]] = {
    "endless-integer": b'{"a":' + b"9" * 5_000 + b"}",
    "nan": b'{"a":NaN}',
    "infinite": b'{"a":1e999}',
    "half-a-character": b'{"a":"\\ud800"}',
    "no-utf-8": b'{"a":"\xff\xfe"}',
}
"""Values that no JSON parser should make anything of."""
ODD: Final[Mapping[str, bytes]] = {
    "nul": b'{"a":"\\u0000"}',
    "twice": b'{"a":1,"a":2,"metadata":{"name":"good"}}',
    "quoted": b'{"a":"\\"status\\":{},\\"metadata\\":{\\"name\\":\\"good\\"}"}',
}
"""Values that are strange, and can be read."""
