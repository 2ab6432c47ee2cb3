import json

import pyarrow.parquet as pq
import pytest
from tests.support.fakehttp import files, serving

from diabetes_model import contract, snapshots
from diabetes_model.snapshots import Recipe, SnapshotError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    directory = tmp_path_factory.mktemp("store")
    snapshots.create(Recipe("good", 3, {"bp": 0.1}), directory / "good.parquet")
    table = pq.read_table(directory / "good.parquet").drop_columns(["bmi"])
    pq.write_table(table, directory / "torn.parquet")
    (directory / "index.json").write_text(json.dumps(snapshots.index(directory)))
    (directory / "other.json").write_text('{"format": "something/v9"}')
    (directory / "page.json").write_text("<html>")
    return directory


@pytest.fixture(scope="module")
def store(folder):
    with serving(files(folder)) as server:
        yield server.url


def test_a_folder_is_listed_with_what_breaks_the_contract(folder):
    good, torn = snapshots.listing(str(folder))
    assert (good.file, good.id, good.rows, good.problem) == ("good.parquet", "good", 442, None)
    assert good.sha256 == snapshots.file_sha256(folder / "good.parquet")
    assert good.bytes == (folder / "good.parquet").stat().st_size
    assert good.schema_sha256 == contract.sha256(contract.Kind.TRAINING)
    assert (torn.id, torn.rows) == ("torn", None)
    assert torn.problem == "torn.parquet breaks the data contract: bmi: column missing"


@pytest.mark.parametrize("address", ["{}", "{}/", "{}/index.json"])
def test_a_store_is_listed_by_its_index(store, folder, address):
    assert snapshots.listing(address.format(store)) == snapshots.listing(str(folder))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other.json", "other.json: is not of format davylamp.dev/feature-store/v1"),
        ("page.json", "page.json: no index of snapshots"),
        ("nowhere.json", "nowhere.json: ClientResponseError: 404"),
    ],
)
def test_what_is_no_index_is_refused_by_name(store, name, message):
    with pytest.raises(SnapshotError, match=message):
        snapshots.listing(f"{store}/{name}")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(SnapshotError, match="nothing: no such folder"):
        snapshots.listing(str(tmp_path / "nothing"))


def test_the_command_prints_one_line_a_snapshot(cli, folder):
    done = cli("snapshot", "list", folder)
    digests = [snapshots.file_sha256(folder / f"{name}.parquet") for name in ("good", "torn")]
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{digests[0]}  good  442 rows  ")
    assert lines[0].endswith("bytes  contract kept")
    assert lines[1].startswith(f"{digests[1]}  torn  ? rows  ")
    assert lines[1].endswith("bmi: column missing")
