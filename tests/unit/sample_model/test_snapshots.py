import hashlib
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from diabetes_model import contract, release, snapshots
from diabetes_model.holdout import is_held_out
from diabetes_model.snapshots import Loss, Recipe, SnapshotError

RECIPE = Recipe(id="test", seed=3, gaps={"bp": 0.1})


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("snapshot") / "features.parquet"
    snapshots.create(RECIPE, path)
    return path


def rewritten(file, path, change):
    pq.write_table(change(pq.read_table(file)), path)
    return path


def test_same_recipe_gives_the_same_bytes_and_another_seed_others(file, tmp_path):
    again, other = tmp_path / "again.parquet", tmp_path / "other.parquet"
    assert snapshots.create(RECIPE, again) == snapshots.file_sha256(file)
    assert again.read_bytes() == file.read_bytes()
    assert snapshots.create(Recipe("test", 4, RECIPE.gaps), other) != snapshots.file_sha256(file)


def test_a_snapshot_reads_back_with_the_asked_gaps(file):
    snapshot = snapshots.read(file)
    missing = dict(
        zip(contract.NAMES, (snapshot.features != snapshot.features).sum(0), strict=True)
    )
    assert snapshot.id == "test"
    assert snapshot.features.shape == (442, 10)
    assert missing.pop("bp") == 44
    assert set(missing.values()) == {0}


def test_one_changed_bit_is_caught_by_the_hash(file, tmp_path):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    changed = tmp_path / "changed.parquet"
    changed.write_bytes(content)
    with pytest.raises(SnapshotError, match=r"sha256 is .* expected"):
        snapshots.read(changed, sha256=snapshots.file_sha256(file))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns(["bmi"]), "bmi: column missing"),
        (lambda t: t.append_column("zip", t["bmi"]), "zip: unknown column"),
        (
            lambda t: t.set_column(1, "age", t["age"].cast("float32")),
            "age: is float, must be double",
        ),
        (lambda t: t.set_column(2, "sex", t["bp"]), "sex: 44 values missing, none may be"),
        (lambda t: t.set_column(3, "bmi", t["s1"]), "bmi: .* values outside 10..80 kg/m2"),
    ],
)
def test_a_breach_of_the_contract_is_named(file, tmp_path, change, message):
    path = rewritten(file, tmp_path / "breach.parquet", change)
    with pytest.raises(SnapshotError, match=message):
        snapshots.read(path)


def test_what_is_no_parquet_file_is_refused(tmp_path):
    path = tmp_path / "page.parquet"
    path.write_text("<html>404</html>")
    with pytest.raises(SnapshotError, match="not a Parquet file"):
        snapshots.read(path)


def carrying(stated):
    """The same table with another contract in its metadata."""
    return lambda table: table.replace_schema_metadata(
        {**table.schema.metadata, b"snapshot.contract": stated}
    )


def contract_with(column, **changes):
    document = json.loads(contract.text(contract.Kind.TRAINING))
    (found,) = (entry for entry in document["columns"] if entry["name"] == column)
    found.update(changes)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace_schema_metadata(None), "it has no id; it carries no contract"),
        (lambda t: t.replace_schema_metadata({"snapshot.id": "x"}), "it carries no contract"),
        (
            carrying(contract_with("s6", unit="mmol/l")),
            "it carries another contract than this model's: s6 differs",
        ),
        (carrying('{"columns": []}'), "not the same columns"),
        (carrying("no JSON"), "not the same columns"),
        (lambda t: t.slice(0, 0), "it has no rows"),
        (lambda t: pa.concat_tables([t, t]), "row_id: not unique"),
    ],
)
def test_the_contract_travels_in_the_file_and_has_to_be_this_one(file, tmp_path, change, message):
    path = rewritten(file, tmp_path / "breach.parquet", change)
    with pytest.raises(SnapshotError, match=message):
        snapshots.check(path)


def test_the_contract_in_the_file_says_names_types_units_ranges_and_missing_policy(file):
    metadata = pq.read_schema(file).metadata
    stated = json.loads(metadata[b"snapshot.contract"])
    assert stated["columns"][0] == {
        "name": "row_id",
        "type": "int64",
        "unit": "id",
        "missing": "never",
    }
    assert stated["columns"][4] == {
        "name": "bp",
        "type": "double",
        "unit": "mmHg",
        "description": "Average blood pressure",
        "low": 30,
        "high": 200,
        "missing": "allowed",
    }
    digest = hashlib.sha256(metadata[b"snapshot.contract"]).hexdigest()
    assert snapshots.check(file).schema_sha256 == digest


def test_lost_rows_are_of_the_asked_value_and_the_held_out_panel_stays_whole(tmp_path):
    path = tmp_path / "lost.parquet"
    whole, torn = (Recipe("x", 1, {}, lost) for lost in ((), (Loss("sex", 2, 0.5),)))
    found = []
    for recipe in (whole, torn):
        snapshots.create(recipe, path)
        snapshot = snapshots.read(path)
        sex = dict(zip(snapshot.row_ids.tolist(), snapshot.features[:, 1].tolist(), strict=True))
        found.append(sex)
    gone = found[0].keys() - found[1].keys()
    exposed = [row for row, sex in found[0].items() if sex == 2 and not is_held_out(row)]
    assert {found[0][row] for row in gone} == {2.0}
    assert not any(map(is_held_out, gone))
    assert len(gone) == round(len(exposed) / 2)


def test_rows_lost_by_an_unknown_field_are_refused(tmp_path):
    with pytest.raises(SnapshotError, match="zip"):
        snapshots.create(Recipe("x", 1, {}, (Loss("zip", 1, 1),)), tmp_path / "x.parquet")


def test_a_snapshot_that_is_not_the_expected_one_is_not_written(tmp_path):
    with pytest.raises(SnapshotError, match=r"sha256 is \w+, expected 00"):
        snapshots.create(RECIPE, tmp_path / "x.parquet", sha256="00")
    assert list(tmp_path.iterdir()) == []


def test_the_command_creates_into_a_folder_and_verifies(cli, root, tmp_path):
    release_file = root / "releases/v1.toml"
    done = cli("snapshot", "create", "--release", release_file, "--out", tmp_path)
    path, digest = tmp_path / "2026-11-01.parquet", release.read(release_file).sha256
    assert done.stdout == f"{digest}  {path}\n"
    done = cli("snapshot", "verify", path, "--sha256", digest)
    assert done.stdout == (
        f"{digest}  {path}: training snapshot 2026-11-01, 442 rows, contract kept\n"
    )
    done = cli("snapshot", "verify", tmp_path / "none.parquet")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"snapshot: .*none.parquet'?\n", done.stderr)


def test_gaps_in_a_required_field_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(SnapshotError, match="age"):
        snapshots.create(Recipe("x", 1, {"age": 0.1}), tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["v1", "v2", "v3", "unfair"])
def test_every_release_names_the_snapshot_that_its_recipe_gives(name, root, snapshot_file):
    chosen = release.read(root / f"releases/{name}.toml")
    snapshot = snapshots.read(snapshot_file(name), sha256=chosen.sha256)
    assert snapshot.id == chosen.recipe.id
