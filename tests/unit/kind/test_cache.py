"""Artifacts are whole or not there."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from localcluster.cache import Artifact, Store, exclusively
from localcluster.errors import SetupError
from localcluster.progress import Progress

ARTIFACT = Artifact("tool", "v1", "flags and sources", expected=5)


@pytest.fixture
def lines():
    return []


@pytest.fixture
def progress(lines):
    return Progress(write=lines.append)


def write_tool(folder):
    (folder / "bin").mkdir()
    (folder / "bin" / "tool").write_text("contents", encoding="utf-8")


def fail(_folder):
    raise SetupError("the compiler said no")


def test_built_once_and_then_taken_from_the_cache(tmp_path, progress):
    store = Store(tmp_path)
    folder = store.ensure(ARTIFACT, write_tool, progress=progress)
    assert (folder / "bin" / "tool").read_text(encoding="utf-8") == "contents"
    assert store.ensure(ARTIFACT, fail, progress=progress) == folder


def test_another_recipe_or_version_is_another_artifact(tmp_path, progress):
    store = Store(tmp_path)
    store.ensure(ARTIFACT, write_tool, progress=progress)
    others = [replace(ARTIFACT, recipe="other flags"), replace(ARTIFACT, version="v2")]
    assert store.missing([ARTIFACT, *others]) == others


def test_a_failed_build_leaves_nothing_that_looks_finished(tmp_path, progress):
    store = Store(tmp_path)

    def half(folder):
        write_tool(folder)
        fail(folder)

    with pytest.raises(SetupError):
        store.ensure(ARTIFACT, half, progress=progress)
    assert not store.has(ARTIFACT)
    store.ensure(ARTIFACT, write_tool, progress=progress)
    assert store.has(ARTIFACT)
    assert [path.name for path in tmp_path.iterdir()] == [ARTIFACT.key]


@pytest.mark.parametrize("damage", ["truncate", "remove", "stamp"])
def test_a_damaged_artifact_is_built_again(tmp_path, progress, damage):
    store = Store(tmp_path)
    folder = store.ensure(ARTIFACT, write_tool, progress=progress)
    match damage:
        case "truncate":
            os.truncate(folder / "bin" / "tool", 3)
        case "remove":
            (folder / "bin" / "tool").unlink()
        case "stamp":
            (folder / ".complete.json").write_text("not json", encoding="utf-8")
    assert not store.has(ARTIFACT)
    store.ensure(ARTIFACT, write_tool, progress=progress)
    assert (folder / "bin" / "tool").read_text(encoding="utf-8") == "contents"


def test_a_second_run_waits_for_the_first(tmp_path, progress, lines):
    lock = tmp_path / "lock"
    code = (
        "import fcntl, sys\n"
        "handle = open(sys.argv[1], 'w')\n"
        "fcntl.flock(handle, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", code, str(lock)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"

        def say(text):
            lines.append(text)
            other.stdin.write("go\n")
            other.stdin.flush()

        with exclusively(lock, progress=Progress(write=say)):
            assert other.wait(timeout=10) == 0
    assert "waiting for another run" in lines[0]
