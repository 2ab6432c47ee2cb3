import json

import pyarrow.parquet as pq
import pytest
from tests.support.modelprocess import ROW

from diabetes_model import contract, snapshots
from diabetes_model.contract import Kind
from diabetes_model.snapshots import SnapshotError


def lines(*rows):
    return [json.dumps(row) for row in rows]


def test_rows_of_traffic_are_kept_in_their_order(tmp_path):
    path = tmp_path / "recent.parquet"
    gap = {name: value for name, value in ROW.items() if name != "bp"} | {"age": 60, "s6": None}
    digest = snapshots.create_from_rows(lines(ROW, gap), "recent", path)
    facts = snapshots.check(path, sha256=digest)
    assert (facts.id, facts.kind, facts.rows) == ("recent", Kind.TRAFFIC, 2)
    assert facts.schema_sha256 == contract.sha256(Kind.TRAFFIC) != contract.sha256(Kind.TRAINING)
    assert pq.read_table(path).to_pylist() == [ROW, {**gap, "bp": None, "s6": None}]


def test_traffic_is_nothing_to_train_on(tmp_path):
    path = tmp_path / "recent.parquet"
    snapshots.create_from_rows(lines(ROW), "recent", path)
    with pytest.raises(SnapshotError, match="a snapshot of traffic, none to train on"):
        snapshots.read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (["{"], "line 1: not JSON"),
        (["[]"], "line 1: not an object"),
        (lines(ROW, ROW | {"zip": 1}), "line 2: unknown field zip"),
        (lines(ROW | {"bmi": "32"}), "line 1: bmi: '32' is not a number"),
        (lines(ROW | {"bmi": True}), "line 1: bmi: True is not a number"),
        (lines(ROW | {"bmi": 1e9}), r"bmi: 1 values outside 10..80 kg/m2"),
        (lines(ROW | {"age": None}), "age: 1 values missing, none may be"),
        ([], "recent: no rows"),
    ],
)
def test_rows_that_break_the_contract_are_refused(tmp_path, text, message):
    with pytest.raises(SnapshotError, match=message):
        snapshots.create_from_rows(text, "recent", tmp_path / "recent.parquet")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_into_a_folder_under_the_id(cli, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("\n".join(lines(ROW, ROW)) + "\n\n")
    done = cli("snapshot", "create", "--rows", rows, "--id", "monday", "--out", tmp_path)
    path = tmp_path / "monday.parquet"
    assert done.stdout == f"{snapshots.file_sha256(path)}  {path}\n"
    done = cli("snapshot", "verify", path)
    assert done.stdout.endswith("traffic snapshot monday, 2 rows, contract kept\n")
    done = cli("snapshot", "create", "--rows", rows, "--out", tmp_path)
    assert done.stderr == "snapshot: a snapshot of --rows needs an --id\n"
