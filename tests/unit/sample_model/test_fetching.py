import socket
from pathlib import Path

import pytest
from tests.support.fakehttp import files, serving

from diabetes_model import snapshots
from diabetes_model.snapshots import Limits, Recipe, SnapshotError
from diabetes_model.snapshots.fetching import fetch_bytes, shown

RECIPE = Recipe(id="test", seed=3, gaps={"bp": 0.1})
QUICK = Limits(connect_seconds=0.3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    directory = tmp_path_factory.mktemp("store")
    snapshots.create(RECIPE, directory / "test.parquet")
    (directory / "page.html").write_text("<html>no snapshot</html>")
    return directory


@pytest.fixture(scope="module")
def digest(folder):
    return snapshots.file_sha256(folder / "test.parquet")


@pytest.fixture(scope="module")
def store(folder):
    with serving(files(folder)) as server:
        yield server.url


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out" / "features.parquet"


@pytest.fixture(autouse=True)
def out(target):
    target.parent.mkdir()


def nothing_written(target: Path) -> bool:
    return list(target.parent.iterdir()) == []


@pytest.mark.parametrize("form", ["{store}/test.parquet", "file://{folder}/test.parquet"])
def test_a_snapshot_is_fetched_whole_and_checked(store, folder, digest, target, form):
    uri = form.format(store=store, folder=folder)
    facts = snapshots.fetch(uri, target, sha256=digest)
    assert (facts.id, facts.rows, facts.sha256) == ("test", 442, digest)
    assert target.read_bytes() == (folder / "test.parquet").read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["features.parquet"]


def test_a_plain_path_is_fetched_too(folder, digest, target):
    assert snapshots.fetch(str(folder / "test.parquet"), target, sha256=digest).id == "test"


def test_another_hash_is_refused_and_what_was_there_stays(store, target):
    target.write_text("earlier")
    with pytest.raises(SnapshotError, match=r"test.parquet: sha256 is \w+, expected 0000"):
        snapshots.fetch(f"{store}/test.parquet", target, sha256="0" * 64)
    assert target.read_text() == "earlier"
    assert len(list(target.parent.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.parquet", r"/nowhere.parquet: ClientResponseError: 404 File not found"),
        ("page.html", r"/page.html: .*not a Parquet file"),
    ],
)
def test_what_is_no_snapshot_is_refused_by_name(store, target, name, message):
    with pytest.raises(SnapshotError, match=message):
        snapshots.fetch(f"{store}/{name}", target, sha256=None)
    assert nothing_written(target)


def test_more_bytes_than_asked_for_are_refused(store, target):
    with pytest.raises(SnapshotError, match="more than 1000 bytes"):
        snapshots.fetch(f"{store}/test.parquet", target, sha256=None, limits=Limits(bytes=1000))
    assert nothing_written(target)


def test_a_transfer_has_a_deadline(folder, target):
    times = iter([0.0, 301.0])
    with pytest.raises(SnapshotError, match="not there after 300 s"):
        snapshots.fetch(
            str(folder / "test.parquet"), target, sha256=None, clock=lambda: next(times)
        )
    assert nothing_written(target)


def test_a_server_that_does_not_listen_or_never_answers_is_named(free_port, target):
    with pytest.raises(SnapshotError, match=rf"^http://127.0.0.1:{free_port}/x: \w+: .+"):
        snapshots.fetch(f"http://127.0.0.1:{free_port}/x", target, sha256=None, limits=QUICK)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(SnapshotError, match=rf"^{uri}: \w*Timeout\w*"):
            snapshots.fetch(uri, target, sha256=None, limits=QUICK)
    assert nothing_written(target)


@pytest.mark.parametrize("protocol", ["ftp", "simplecache::http", "github", "memory", "local"])
def test_a_protocol_that_is_not_on_the_list_is_refused(target, protocol):
    with pytest.raises(SnapshotError, match=f"protocol {protocol} is none of file, http, https"):
        snapshots.fetch(f"{protocol}://somewhere/x", target, sha256=None)
    assert nothing_written(target)


def test_a_missing_backend_says_what_to_install(target, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(SnapshotError, match=r"^s3://bucket/x: .*install the extra `remote`"):
        snapshots.fetch("s3://bucket/x", target, sha256=None)
    assert nothing_written(target)


def test_what_may_be_secret_in_a_uri_is_not_shown(free_port, target):
    uri = f"http://user:word@127.0.0.1:{free_port}/x?signature=abc"
    assert shown(uri) == f"http://127.0.0.1:{free_port}/x"
    with pytest.raises(SnapshotError) as caught:
        snapshots.fetch(uri, target, sha256=None, limits=QUICK)
    assert "word" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_small_files_are_bounded(store):
    assert fetch_bytes(f"{store}/page.html", limits=Limits(bytes=24)).startswith(b"<html>")
    with pytest.raises(SnapshotError, match=r"page.html: more than 23 bytes"):
        fetch_bytes(f"{store}/page.html", limits=Limits(bytes=23))


def test_the_commands_fetch_list_and_train_from_a_store(cli, store, digest, folder, tmp_path):
    out = tmp_path / "f.parquet"
    uri = f"{store}/test.parquet"
    done = cli("snapshot", "fetch", uri, "--sha256", digest, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "test.parquet").read_bytes() == (folder / "test.parquet").read_bytes()
    done = cli("snapshot", "fetch", uri, "--sha256", digest, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{digest}  {out}: training snapshot test, 442 rows, contract kept\n"
    done = cli("snapshot", "fetch", uri, "--sha256", "0" * 64, "--out", tmp_path / "g.parquet")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"snapshot: {uri}: sha256 is {digest}, expected {'0' * 64}",
    ]
    trained = tmp_path / "model"
    done = cli("train", "--snapshot", uri, "--sha256", digest, "--seed", 1, "--out", trained)
    assert done.returncode == 0, done.stderr
    assert f"snapshot test sha256 {digest}\n" in done.stdout
    done = cli("train", "--snapshot", uri, "--sha256", "0" * 64, "--seed", 1, "--out", "x")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"train: {uri}: sha256 is {digest}, expected {'0' * 64}"
    )
