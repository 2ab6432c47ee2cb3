import pyarrow.parquet as pq
import pytest

from diabetes_model import contract, release, snapshots
from diabetes_model.snapshots import Recipe, SnapshotError

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


def test_gaps_in_a_required_field_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(SnapshotError, match="age"):
        snapshots.create(Recipe("x", 1, {"age": 0.1}), tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["v1", "v2", "v3", "unfair"])
def test_every_release_names_the_snapshot_that_its_recipe_gives(name, root, snapshot_file):
    chosen = release.read(root / f"releases/{name}.toml")
    snapshot = snapshots.read(snapshot_file(name), sha256=chosen.sha256)
    assert snapshot.id == chosen.recipe.id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 1\nsed = 2", "unknown key sed"),
        ("seed = 9007199254740992", "seed must be an integer in 0..9007199254740991"),
        ("", "missing key 'seed'"),
    ],
)
def test_a_wrong_release_file_is_refused_by_name(root, tmp_path, text, message):
    original = (root / "releases/v1.toml").read_text()
    path = tmp_path / "release.toml"
    path.write_text(original.replace("seed = 42", text))
    with pytest.raises(release.ReleaseError, match=message):
        release.read(path)
