"""Two root file systems are compared by what they hold, not by when it was written."""

import io
import json
import tarfile
from dataclasses import replace

import pytest

from compare_images import compare, compare_run_by, entries

FILES = {
    "app/model/manifest.json": json.dumps({"seed": 42, "timing": {"seconds": 1.5}}).encode(),
    "app/model/model.onnx": b"\x00graph",
}


def root(changes=None, *, files=FILES, mtime=0, link="python3.13"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in {**files, **(changes or {})}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), mtime
            archive.addfile(member, io.BytesIO(content))
        member = tarfile.TarInfo("usr/bin/python3")
        member.type, member.linkname = tarfile.SYMTYPE, link
        archive.addfile(member)
    return entries(io.BytesIO(buffer.getvalue()))


def with_mode(found, path, **changes):
    return {**found, path: replace(found[path], **changes)}


def test_times_are_not_content():
    assert compare(root(mtime=0), root(mtime=1_795_000_000)) == []


def test_the_timing_of_a_manifest_is_not_content():
    manifest = json.dumps({"seed": 42, "timing": {"seconds": 9.5}}).encode()
    assert compare(root(), root({"app/model/manifest.json": manifest})) == []


def test_anything_else_in_a_manifest_is():
    manifest = json.dumps({"seed": 43, "timing": {"seconds": 1.5}}).encode()
    (line,) = compare(root(), root({"app/model/manifest.json": manifest}))
    assert line.startswith("app/model/manifest.json: content ")


def test_one_bit_is_a_difference():
    (line,) = compare(root(), root({"app/model/model.onnx": b"\x01graph"}))
    assert line.startswith("app/model/model.onnx: content ")


def test_a_file_too_many_or_too_few_is_named():
    assert compare(root(), root({"tmp/x": b""})) == ["only in the second: tmp/x"]
    assert compare(root({"tmp/x": b""}), root()) == ["only in the first: tmp/x"]


def test_a_link_elsewhere_is_a_difference():
    (line,) = compare(root(), root(link="python3.12"))
    assert line == "usr/bin/python3: link python3.13 / python3.12"


@pytest.mark.parametrize(
    ("field", "value"), [("mode", "755"), ("owner", "65532:65532"), ("kind", "5")]
)
def test_mode_owner_and_type_are_content(field, value):
    path = "app/model/model.onnx"
    (line,) = compare(root(), with_mode(root(), path, **{field: value}))
    assert line.startswith(f"{path}: {field} ")


def test_how_an_image_is_run_is_compared():
    was = {"User": "65532:65532", "Env": ["A=1"], "Hostname": "x"}
    assert compare_run_by(was, {**was, "Hostname": "y"}) == []
    assert compare_run_by(was, {**was, "User": ""}) == ["image setting User: 65532:65532 / "]
