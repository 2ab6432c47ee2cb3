"""The comparisons of `make reproduce`: each difference is seen, and named."""

import json
import shutil
from dataclasses import replace

import pytest

from packing.plan import Claims
from reproduce import __main__ as command
from reproduce import checks, made, sabotage, served, table
from reproduce.errors import ReproduceError
from reproduce.results import Row, Section, differences
from reproduce.subject import Subject

GOLDEN = (("84.56157114056205",), ("107.2328472812739",))


@pytest.fixture
def copy(good, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(good, folder)
    return folder


@pytest.fixture
def subject(good, root):
    claims = Claims.read(root / "releases/v1.toml")
    labels = {"org.opencontainers.image.revision": "0a1b2c3" * 5 + "0a1b2"}
    return Subject("v1", "v1-test", claims, labels)


def edit(folder, change):
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def names(section):
    return differences([section])


def test_what_two_runs_made_is_equal_but_for_when_and_where(good, copy):
    def elsewhere(document):
        document["timing"]["seconds"] += 1
        document["machine"]["cpuFeatures"] = "none"

    edit(copy, elsewhere)
    section = made.compared([made.from_folder("here", good), made.from_folder("there", copy)])
    assert section.good
    assert len(section.rows) == 5


@pytest.mark.parametrize("name", ["model.onnx", "model.skops", "training.log"])
def test_one_byte_of_a_file_is_named(good, copy, name):
    with (copy / name).open("ab") as file:
        file.write(b"\n")
    section = made.compared([made.from_folder("here", good), made.from_folder("there", copy)])
    assert names(section) == [name]


@pytest.mark.parametrize(
    ("key", "name"), [("seed", made.MANIFEST), ("featureSnapshot", made.SNAPSHOT)]
)
def test_another_manifest_is_named(good, copy, key, name):
    def other(document):
        document[key] = 43 if key == "seed" else {**document[key], "sha256": "0" * 64}

    edit(copy, other)
    section = made.compared([made.from_folder("here", good), made.from_folder("there", copy)])
    assert name in names(section)


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json", "training.log"])
def test_a_missing_file_is_no_equality(copy, name):
    (copy / name).unlink()
    with pytest.raises(ReproduceError, match=rf"^there: FileNotFoundError: .*{name}"):
        made.from_folder("there", copy)


def test_a_published_log_tells_its_hashes(good, root):
    published = made.from_log("published", root / "published/v1/training.log")
    here = made.from_folder("here", good)
    section = made.compared([here, here, published])
    assert section.good
    assert section.rows[-1].cells[-1] == made.NOT_PUBLISHED


def test_a_published_log_without_a_hash_is_told(root, tmp_path):
    log = (root / "published/v1/training.log").read_text()
    path = tmp_path / "training.log"
    path.write_text(log.replace("model.onnx sha256", "model.onnx"))
    with pytest.raises(ReproduceError, match=r"published: the log tells no sha256 of model\.onnx"):
        made.from_log("published", path)


def test_a_fact_that_nobody_else_knows_is_not_equal(good):
    alone = made.compared([made.from_folder("here", good)])
    assert len(names(alone)) == 5


def test_predictions_are_compared_as_they_are_written():
    assert served.predictions(GOLDEN, GOLDEN).good
    last_digit = (("84.56157114056206",), GOLDEN[1])
    assert names(served.predictions(GOLDEN, last_digit)) == ["golden 0"]
    assert names(served.predictions(GOLDEN, GOLDEN[:1])) == ["golden 1"]
    assert names(served.predictions((), GOLDEN)) == ["golden 0", "golden 1"]
    assert not served.predictions((), ()).good


def test_golden_predictions_are_read_from_the_log(good):
    document = json.loads((good / "manifest.json").read_text(), parse_float=str)
    logged = made.from_folder("here", good).golden()
    assert logged == tuple(tuple(each["predictions"]) for each in document["golden"])


def explained(*parts, prediction):
    contributions = dict(zip("abcdefgh", parts, strict=False))
    return {
        "explanations": [
            {"prediction": prediction, "baseline": 150.0, "contributions": contributions}
        ]
    }


def test_explanations_that_add_up_exactly_say_so():
    section = served.explanations([explained(1.5, -2.0, prediction=149.5)], [("149.5",)])
    assert section.good
    assert section.rows[0].cells[-1] == "0, exact"


def test_explanations_may_differ_by_rounding_alone():
    near = served.explanations(
        [explained(0.1, 0.2, prediction=150.30000000000004)], [("150.30000000000004",)]
    )
    assert near.good
    assert near.rows[0].cells[-1].endswith(", rounding")
    off = served.explanations([explained(0.1, 0.2, prediction=150.3001)], [("150.3001",)])
    assert names(off) == ["golden 0"]
    assert off.rows[0].cells[-1] == "1.0e-04"


def test_explanations_are_of_the_number_that_is_predicted():
    section = served.explanations([explained(1.0, prediction=151.0)], [("151.5",)])
    assert names(section) == ["golden 0"]


def test_one_bit_is_refused_with_both_hashes(subject, snapshot_file, tmp_path):
    row = sabotage.one_bit(subject, snapshot_file("v1"), tmp_path)
    assert row.good
    assert row.cells[1] == "train"
    assert f"expected {subject.claims.snapshot_sha256}" in row.cells[2]


def test_a_training_run_that_takes_any_snapshot_is_told(subject, snapshot_file, tmp_path, root):
    """If the right hash were not in the refusal, it was something else that was refused."""
    careless = replace(subject, claims=replace(subject.claims, snapshot_sha256="f" * 64))
    row = sabotage.one_bit(careless, snapshot_file("v1"), tmp_path)
    assert not row.good
    assert row.cells[1] == "nobody"


def test_another_seed_shows_in_manifest_artefacts_and_predictions(
    subject, snapshot_file, good, tmp_path
):
    first = made.from_folder("here", good)
    row = sabotage.another_seed(subject, snapshot_file("v1"), first, tmp_path / "out")
    assert row.good
    assert row.cells[1:] == (
        "Manifest: ManifestDiffers",
        "the manifest's seed is 43, the spec says 42; artefacts and predictions differ, too",
    )


def test_another_tag_is_refused_and_the_right_one_is_not(subject, good):
    manifest = json.loads((good / "manifest.json").read_text())
    row = sabotage.another_tag(subject, manifest)
    assert row.good
    assert "the manifest's image.tag differs from the spec, which says v1-0000000" in row.cells[2]
    unnoticed = {**manifest, "image": {**manifest["image"], "tag": sabotage.OTHER_TAG}}
    assert not sabotage.another_tag(subject, unnoticed).good


def test_the_operators_check_passes_for_what_was_trained(subject, good):
    manifest = json.loads((good / "manifest.json").read_text())
    result = checks.of_manifest(manifest, checks.spec(subject.tag, subject.claims))
    section = checks.section([result])
    assert section.good
    assert section.rows[0].cells[:2] == ("Manifest", "Pass")


def test_columns_are_aligned_and_only_what_is_good_has_a_tick():
    section = Section(
        ("what", "a", "b"), (Row(("x", "1", "2"), True), Row(("longer", "1", "3"), False))
    )
    assert table.text([section], table.Style()) == (
        "  what    a  b\n✓ x       1  2\n✗ longer  1  3\n"
    )
    assert "NO longer" in table.text([section], table.Style(symbols=False))
    assert table.RED in table.text([section], table.Style(colour=True))


@pytest.mark.parametrize(
    ("rows", "code", "verdict"),
    [
        ((Row(("x",), good=True),), 0, "reproduced"),
        ((Row(("x",), good=True), Row(("y",), good=False)), 1, "NOT reproduced: y"),
        ((), 1, "NOT reproduced: nothing"),
    ],
)
def test_any_difference_is_exit_code_one(rows, code, verdict, capsys):
    assert command.report([Section(("what",), rows)]) == code
    assert capsys.readouterr().out.splitlines()[-1] == verdict


def test_no_engine_is_one_line_and_another_code(monkeypatch, capsys):
    def broken(_options, _say):
        raise ReproduceError("docker: not there")

    monkeypatch.setattr(command, "_run", broken)
    assert command.main([]) == 2
    assert capsys.readouterr().err == "error: docker: not there\n"
