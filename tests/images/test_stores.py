"""The training image fetches snapshots from where they are: web servers, S3 and GCS."""

import hashlib
import sys

import pytest
from tests.images.conftest import SAMPLE, run
from tests.images.stores import BUCKET, KEY, serving_file

from diabetes_model import release


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    path = tmp_path_factory.mktemp("snapshot") / "features.parquet"
    words = ("snapshot", "create", "--release", SAMPLE / "releases/v1.toml", "--out", path)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(SAMPLE)}
    run(sys.executable, "-m", "diabetes_model", *words, env=environment)
    return path.read_bytes()


@pytest.fixture
def store(snapshot):
    with serving_file(snapshot) as store:
        yield store


@pytest.fixture
def fetch(train_command, store):
    """`snapshot fetch` in a container that reaches nothing but this machine's stub."""
    environment = {
        "AWS_ENDPOINT_URL_S3": store.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "STORAGE_EMULATOR_HOST": store.url,
    }
    variables = [part for name, v in environment.items() for part in ("--env", f"{name}={v}")]

    def command(uri, sha256):
        words = ("snapshot", "fetch", uri, "--sha256", sha256, "--out", "/tmp/fetched.parquet")
        return train_command(*words, options=("--network", "host", *variables))

    return command


def uri_of(protocol, store):
    return f"{store.url}/{BUCKET}/{KEY}" if protocol == "http" else f"{protocol}://{BUCKET}/{KEY}"


@pytest.mark.parametrize("protocol", ["http", "s3", "gs"])
def test_a_snapshot_comes_from_anywhere_and_is_the_one_that_was_asked_for(fetch, store, protocol):
    sha256 = release.read(SAMPLE / "releases/v1.toml").sha256
    done = fetch(uri_of(protocol, store), sha256)
    requests = [(r.method, r.target, r.headers.get("Range")) for r in store.requests]
    assert done.returncode == 0, (done.stderr.decode(), requests)
    assert done.stdout.decode().startswith(sha256)
    assert "contract kept" in done.stdout.decode()


@pytest.mark.parametrize("protocol", ["http", "s3", "gs"])
def test_another_file_under_the_same_name_is_refused(fetch, snapshot, store, protocol):
    done = fetch(uri_of(protocol, store), "0" * 64)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert hashlib.sha256(snapshot).hexdigest() in line
    assert KEY in line


@pytest.mark.parametrize("protocol", ["http", "s3", "gs"])
def test_what_is_not_there_is_one_line_that_names_it(fetch, store, protocol):
    uri = uri_of(protocol, store).replace(KEY, "nothing.parquet")
    done = fetch(uri, "0" * 64)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert uri in line
