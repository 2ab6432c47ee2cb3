"""What the host withholds is left out of what containers ask for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from localcluster import capabilities
from localcluster.capabilities import missing_capabilities, spec_to_change, without


def test_a_cleared_bit_is_a_missing_capability():
    status = "Name:\tx\nCapBnd:\t000001fffeffffff\n"
    assert missing_capabilities(status, last=40) == {"CAP_SYS_RESOURCE"}


def test_an_older_kernel_misses_nothing_that_it_does_not_know():
    assert missing_capabilities("CapBnd:\t0000003fffffffff\n", last=37) == frozenset()


def test_no_capability_line_means_nothing_is_known_to_be_missing():
    assert missing_capabilities("", last=40) == frozenset()


def test_capabilities_are_removed_from_every_set():
    sets = {"bounding": ["CAP_KILL", "CAP_SYS_RESOURCE"], "ambient": []}
    assert without(sets, ["CAP_SYS_RESOURCE"]) == {"bounding": ["CAP_KILL"], "ambient": []}
    assert without(None, ["CAP_SYS_RESOURCE"]) == {}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("--root /r create --bundle /b id", ("/b/config.json", False)),
        ("--log /l run -b /b id", ("/b/config.json", False)),
        ("create --bundle=/b id", ("/b/config.json", False)),
        ("create id", ("./config.json", False)),
        ("exec --process /p --detach id", ("/p", True)),
        ("exec -p=/p id", ("/p", True)),
        ("exec id ls", None),
        ("state id", None),
        ("kill --all id 15", None),
    ],
)
def test_the_file_that_names_capabilities(command, expected):
    assert spec_to_change(command.split()) == expected


def test_the_wrapper_runs_on_its_own_and_hands_over_to_the_runtime(tmp_path):
    """It is copied out of the package, and the engine calls it with nothing on the path."""
    runtime = tmp_path / "runc"
    runtime.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    runtime.chmod(0o755)
    source = Path(capabilities.__file__).read_text(encoding="utf-8")
    script = tmp_path / "capabilities.py"
    script.write_text(source.replace("/usr/sbin/runc", str(runtime)), encoding="utf-8")
    asked = ["CAP_KILL", "CAP_SYS_RESOURCE"]
    spec = {"process": {"args": ["sh"], "capabilities": {"bounding": asked}}, "root": {}}
    (tmp_path / "config.json").write_text(json.dumps(spec), encoding="utf-8")

    command = [sys.executable, "-I", "-S", str(script), "create", "--bundle", str(tmp_path), "id"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={})

    assert done.stdout == f"create --bundle {tmp_path} id\n"
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    missing = missing_capabilities(status, last=len(capabilities.NAMES) - 1)
    kept = [name for name in asked if name not in missing]
    spec["process"]["capabilities"]["bounding"] = kept
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8")) == spec
