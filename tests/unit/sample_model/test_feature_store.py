"""The feature store: what it shows, what it hides, and a real fetch from the real process."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from starlette.testclient import TestClient

from diabetes_model import feature_store, snapshots


@pytest.fixture
def folder(tmp_path, snapshot_file):
    for release in ("v1", "v2"):
        snapshot = snapshot_file(release)
        shutil.copy(snapshot, tmp_path / f"{snapshots.check(snapshot).id}.parquet")
    return tmp_path


@pytest.fixture
def store(folder):
    return TestClient(feature_store.create_app(folder))


@contextmanager
def running(root, folder, port, *options):
    command = [sys.executable, "-m", "diabetes_model", "feature-store", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--directory", str(folder), "--port", str(port), *map(str, options)],
        cwd=root,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_alive(process, f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait_alive(process, url, seconds=60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("the feature store does not answer")


def test_the_index_names_every_snapshot_with_its_hash_and_size(store, folder):
    document = store.get("/index.json").json()
    assert document["format"] == "davylamp.dev/feature-store/v1"
    assert [entry["id"] for entry in document["snapshots"]] == ["2026-11-01", "2026-11-08"]
    for entry in document["snapshots"]:
        content = (folder / entry["file"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
        assert entry["problem"] is None


def test_the_index_follows_the_folder(store, folder):
    before = store.get("/index.json").json()["snapshots"]
    (folder / "2026-11-08.parquet").write_bytes(b"PAR1 no more")
    (folder / "2026-11-01.parquet").unlink()
    (entry,) = store.get("/index.json").json()["snapshots"]
    assert len(before) == 2
    assert entry["sha256"] == hashlib.sha256(b"PAR1 no more").hexdigest()
    assert "not a Parquet file" in entry["problem"]


def test_a_snapshot_comes_whole_in_parts_or_not_at_all_when_it_is_known(store, folder):
    content = (folder / "2026-11-01.parquet").read_bytes()
    whole = store.get("/2026-11-01.parquet")
    part = store.get("/2026-11-01.parquet", headers={"Range": "bytes=4-9"})
    known = store.get("/2026-11-01.parquet", headers={"If-None-Match": whole.headers["etag"]})
    assert (whole.status_code, whole.content) == (200, content)
    assert (part.status_code, part.content) == (206, content[4:10])
    assert (known.status_code, known.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/2026-12-24.parquet",
        "/.2026-11-01.parquet.17",
        "/.unfinished.parquet",
        "/notes.txt",
        "/deeper/2026-11-01.parquet",
        "/%2e%2e/2026-11-01.parquet",
        "/..%2foutside.parquet",
        "/",
    ],
)
def test_nothing_else_is_shown(store, folder, path):
    (folder / "deeper").mkdir()
    (folder.parent / "outside.parquet").write_bytes(b"secret")
    for name in (
        ".2026-11-01.parquet.17",
        ".unfinished.parquet",
        "notes.txt",
        "deeper/2026-11-01.parquet",
    ):
        (folder / name).write_bytes(b"not yet")
    assert store.get(path).status_code == 404


def test_it_is_healthy_while_its_folder_is_there(store, folder):
    assert store.get("/healthz").status_code == 200
    shutil.rmtree(folder)
    assert store.get("/healthz").status_code == 503


def test_snapshots_of_releases_are_made_once(tmp_path, root, capfd):
    releases, directory = tmp_path / "releases", tmp_path / "snapshots"
    releases.mkdir()
    directory.mkdir()
    shutil.copy(root / "releases/v1.toml", releases)
    feature_store.fill(directory, releases)
    made = (directory / "2026-11-01.parquet").stat()
    feature_store.fill(directory, releases)
    assert (directory / "2026-11-01.parquet").stat() == made
    assert capfd.readouterr().err.count("2026-11-01.parquet (v1)") == 1


def test_a_damaged_snapshot_is_not_served_as_a_release(folder, root, cli):
    damaged = folder / "2026-11-01.parquet"
    content = bytearray(damaged.read_bytes())
    content[1000] ^= 1
    damaged.write_bytes(content)
    done = cli("feature-store", "--directory", folder, "--releases", root / "releases")
    assert done.returncode == 1
    assert "2026-11-01.parquet: sha256 is" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_folder_is_one_line(tmp_path, cli):
    done = cli("feature-store", "--directory", tmp_path / "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no such folder" in done.stderr


def test_what_is_fetched_from_the_process_is_what_was_asked_for(
    root, folder, tmp_path, cli, free_port
):
    target = tmp_path / "fetched.parquet"
    with running(root, folder, free_port) as url:
        index = json.loads(urllib.request.urlopen(f"{url}/index.json").read())
        digest = index["snapshots"][0]["sha256"]
        listed = cli("snapshot", "list", url)
        fetch = ("snapshot", "fetch", f"{url}/2026-11-01.parquet", "--out", target)
        wrong = cli(*fetch, "--sha256", "0" * 64)
        nothing_there = not target.exists()
        fetched = cli(*fetch, "--sha256", digest)
    assert listed.stdout.split()[0] == digest
    assert wrong.returncode == 1
    assert f"sha256 is {digest}, expected {'0' * 64}" in wrong.stderr
    assert nothing_there
    assert fetched.returncode == 0, fetched.stderr
    assert hashlib.sha256(target.read_bytes()).hexdigest() == digest
