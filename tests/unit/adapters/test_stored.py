"""What is known of an object that is too heavy: which one it is, its status, and why there is no more."""

import json

import pytest

from davylamp.adapters.kubernetes.stored import LONGEST, identity, read_change, read_stored
from davylamp.api.names import UNREAD
from davylamp.controller.cluster.objects import why_unread

NAMED = b'"metadata":{"name":"risk","namespace":"models","uid":"u","resourceVersion":"7","generation":3}'
DEEP = b"[" * 5_000 + b"]" * 5_000
FAR = b"[" * 60_000 + b"]" * 60_000
"""Further than anybody walks."""
MANY = b"[" + b"{}," * 200_000 + b"{}]"


def test_what_is_within_the_budget_is_whole():
    item = read_stored(b'{"kind":"Pod",' + NAMED + b',"davylamp.dev/unread":"x"}', "Pod")
    assert item == {"kind": "Pod", "metadata": json.loads(b"{" + NAMED + b"}")["metadata"]}
    assert why_unread(item) == ""


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (DEEP, "is nested deeper than 64 levels"),
        (MANY, "has more than 524,288 bytes"),
        (b"[" + b"1," * 30_000 + b"1]", "has more than 20,000 elements"),
        (b"[NaN]", "has NaN, which is no JSON"),
    ],
    ids=["deep", "many", "ones", "nan"],
)
def test_an_outline_has_name_and_status(spec: bytes, why: str):
    status = b'{"stable":{"tag":"v1"},"conditions":[{"type":"Ready","status":"True"}]}'
    text = b'{"apiVersion":"v1","kind":"Pod",%s,"spec":%s,"status":%s}' % (NAMED, spec, status)
    assert read_stored(text, "Pod") == {
        UNREAD: why,
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": json.loads(b"{" + NAMED + b"}")["metadata"],
        "status": json.loads(status),
    }


def test_metadata_may_come_last_or_be_heavy_itself():
    last = b'{"spec":%s,%s}' % (DEEP, NAMED)
    assert read_stored(last, "Pod")["metadata"]["name"] == "risk"
    fields = b'"managedFields":[%s],' % DEEP
    own = b'"labels":{"a":"b"},"annotations":{"davylamp.dev/abort":"x"},"ownerReferences":[]'
    heavy = NAMED.replace(b'{"name"', b"{" + fields + b'"name"').replace(b"}", b"," + own + b"}")
    described = read_stored(b'{"kind":"Pod",%s,"spec":%s}' % (heavy, DEEP), "Pod")["metadata"]
    assert described["uid"] == "u"
    assert described["labels"] == {"a": "b"}
    assert described["annotations"] == {"davylamp.dev/abort": "x"}
    assert "managedFields" not in described


@pytest.mark.parametrize(
    "text",
    [
        b'{"spec":%s,%s}' % (FAR, NAMED),
        b'{"metadata":{"name":"risk"},"spec":%s}' % DEEP,
        b'{"metadata":{"name":7,"namespace":"a","uid":"b","resourceVersion":"1"},"spec":%s}' % DEEP,
        b'{"metadata":%s}' % DEEP,
        DEEP,
        b"[]",
        b"",
    ],
    ids=range(7),
)
def test_what_has_no_name_is_nothing(text: bytes):
    assert read_stored(text, "Pod") is None


def test_an_object_whose_status_cannot_be_known_is_no_object_without_one():
    """Who took it for one would forget what serves."""
    heavy = b'{%s,"spec":%s,"status":{"a":%s}}' % (NAMED, DEEP, MANY)
    assert read_stored(heavy, "ModelDeployment") is None
    middle = b'{%s,"status":{"a":1},"spec":%s}' % (NAMED, MANY)
    assert read_stored(middle, "ModelDeployment")["status"] == {"a": 1}
    first = b'{%s,"spec":%s,"status":{"a":1},"x":{"status":2}}' % (NAMED, FAR)
    assert read_stored(first, "ModelDeployment") is None


def test_text_in_a_spec_is_no_name_and_no_status():
    other = json.dumps('"metadata":{"name":"other"},"status":{"stable":1}}').encode()
    text = b'{"spec":{"metadata":{"name":"other"},"a":%s,"b":%s},%s}' % (other, DEEP, NAMED)
    item = read_stored(text, "ModelDeployment")
    assert item["metadata"]["name"] == "risk"
    assert "status" not in item


def test_config_maps_may_hold_a_megabyte():
    text = b'{%s,"data":{"a":"%s"}}' % (NAMED, b"x" * 2_000_000)
    assert why_unread(read_stored(text, "ConfigMap")) == ""
    assert why_unread(read_stored(text, "Pod"))


def test_a_change_is_taken_apart_however_heavy_it_is():
    item = b'{%s,"spec":%s}' % (NAMED, MANY)
    assert read_change(b'{"type":"ADDED","object":%s}' % item) == ("ADDED", item)
    assert read_change(b'{"object":%s,"type":"ADDED"}' % DEEP) == ("ADDED", DEEP)
    assert read_change(b'{"object":%s,"type":"ADDED"}' % FAR) is None
    assert read_change(b"no change") is None
    assert len(MANY) < LONGEST  # or nobody would keep so much of it


def test_an_identity_is_small():
    item = {"kind": "Pod", "spec": 1, "metadata": {"name": "a", "annotations": {}, "uid": "u"}}
    assert identity(item) == {"kind": "Pod", "metadata": {"name": "a", "uid": "u"}}


@pytest.mark.parametrize("number", [30_000, 100_000])
def test_whose_a_child_is_stays_known_however_many_labels_it_has(number: int):
    """So it is told of; and what looks like a label within a text is none."""
    others = b",".join(b'"davylamp.dev/x%d":"some value"' % n for n in range(number))
    looks = b'"a":",\\"davylamp.dev/model\\":\\"other\\""'
    ours = b'"app.kubernetes.io/managed-by":"davylamp","davylamp.dev/model":"risk"'
    labels = b'"labels":{%s,%s,%s}' % (looks, others, ours)
    text = b'{"kind":"Pod",%s,%s},"spec":{}}' % (NAMED[:-1], labels)
    item = read_stored(text, "Pod")
    assert item is not None
    assert item["metadata"]["labels"] == json.loads(b"{%s}" % ours)
    assert why_unread(item)
