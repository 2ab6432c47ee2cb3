"""Whole runs of the job, as in its container: the command line, its exit code and what it writes."""

import argparse
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from diabetes_model import contract
from diabetes_model.drift import job, settings
from diabetes_model.drift.shifting import shifted

ROWS = 700


@pytest.fixture(scope="module")
def traffic(good):
    """Held-out patients over and over, as the traffic generator sends them."""
    held_out = json.loads((good / "holdout.json").read_text())["rows"]
    return [held_out[number % len(held_out)] for number in range(ROWS)]


@pytest.fixture
def recent_file(tmp_path):
    def write(rows):
        path = tmp_path / "recent.parquet"
        columns = {
            name: pa.array([row[name] for row in rows], pa.float64()) for name in contract.NAMES
        }
        pq.write_table(pa.table(columns), path)
        return path

    return write


@pytest.fixture
def drift(cli, good, tmp_path):
    def run(*options, model=good, **environment):
        log = tmp_path / "termination"
        done = cli("drift", "--model", model, *options, TERMINATION_LOG=str(log), **environment)
        assert log.read_text() == done.stdout.rstrip("\n"), done.stderr
        return done, json.loads(done.stdout)

    return run


@pytest.fixture
def judge(good):
    """A run inside this process: quicker, for what ends before anything is compared."""

    def run(*options, model=good, **environment):
        parser = argparse.ArgumentParser()
        settings.add_arguments(parser)
        chosen = parser.parse_args(["--model", str(model), *map(str, options)])
        return job.run(settings.read(chosen, environment), say=lambda _: None)

    return run


@pytest.fixture
def changed(good, tmp_path):
    """The artefact with another manifest."""

    def copy(change):
        shutil.copytree(good, tmp_path / "changed")
        path = tmp_path / "changed" / "manifest.json"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))
        return path.parent

    return copy


def test_traffic_like_the_training_data_is_stable(drift, recent_file, traffic):
    done, said = drift("--recent", recent_file(traffic))
    assert done.returncode == 0
    assert (said["verdict"], said["rows"], said["baselineReproduced"]) == ("Stable", ROWS, True)
    assert said["distance"] < 0.05
    assert said["rankCorrelation"] > 0.9
    assert "baseline reproduced to" in done.stderr


def test_drifted_traffic_is_found_and_reported(drift, recent_file, traffic, tmp_path):
    file = recent_file(shifted(traffic, {"bmi": 12}))
    environment = {"DAVYLAMP_RECENT_URI": f"file://{file}", "DAVYLAMP_REVISION": "0123456789"}
    done, said = drift("--report", tmp_path / "reports", **environment)
    assert done.returncode == 3
    assert (said["verdict"], said["largest"]["feature"]) == ("Drifted", "bmi")
    assert said["distance"] > 0.2
    (place,) = (tmp_path / "reports/diabetes-risk/v1-test").iterdir()
    assert {path.name for path in place.iterdir()} == {"report.html", "report.json", "metrics.prom"}
    written = json.loads((place / "report.json").read_text())
    assert written["revision"] == "0123456789"
    assert written["origin"]["recent traffic"] == f"file://{file}"


def test_two_runs_find_the_same_to_the_last_digit(drift, recent_file, traffic):
    file = recent_file(traffic)
    first, second = drift("--recent", file), drift("--recent", file, OMP_NUM_THREADS="2")
    assert first[1] == second[1]


def test_a_wider_limit_tolerates_more(drift, recent_file, traffic):
    file = recent_file(shifted(traffic, {"bmi": 10}))
    assert drift("--recent", file)[1]["verdict"] == "Drifted"
    done, said = drift("--recent", file, DAVYLAMP_EXPLANATION_DISTANCE="0.4")
    assert (done.returncode, said["verdict"]) == (0, "Stable")


def test_little_traffic_decides_nothing(drift, recent_file, traffic):
    done, said = drift("--recent", recent_file(traffic[:30]))
    assert (done.returncode, said["verdict"], said["rows"]) == (0, "Undecided", 30)
    assert "rows would tell" in said["message"]


def test_no_traffic_decides_nothing_and_says_so(drift, recent_file):
    done, said = drift("--recent", recent_file([]))
    assert (done.returncode, said["verdict"], said["distance"]) == (0, "Undecided", None)
    assert "there was no traffic" in said["message"]


def test_rows_that_the_model_cannot_answer_are_left_out_and_counted(
    drift, recent_file, traffic, bad, tmp_path
):
    rows = [row | {"bp": None} if number < 9 else row for number, row in enumerate(traffic)]
    done, said = drift("--recent", recent_file(rows), model=bad)
    assert (done.returncode, said["rows"]) == (0, ROWS - 9)
    assert said["message"].startswith("9 rows left out, the model has no answer to them; ")
    done, said = drift("--recent", recent_file(rows[:9]), model=bad)
    assert (done.returncode, said["verdict"]) == (0, "Undecided")
    assert "no answer to any of 9 rows" in said["message"]


def test_a_baseline_that_does_not_come_out_is_a_failure(drift, recent_file, traffic, changed):
    def change(document):
        document["explanationBaseline"]["shares"]["bmi"] += 1e-8

    done, said = drift("--recent", recent_file(traffic), model=changed(change))
    assert (done.returncode, said["verdict"], said["baselineReproduced"]) == (1, "Undecided", False)
    assert "baseline of the manifest is not reproduced: differs by 1e-08" in said["message"]
    assert done.stderr.splitlines()[-1] == f"drift: {said['message']}"


def test_an_error_is_one_line_and_exit_code_1(drift):
    done, said = drift(DAVYLAMP_IMAGE_TAG="v9")
    assert done.returncode == 1
    assert said["message"] == "deployed with image tag v9, trained with v1-test"
    assert done.stderr == f"drift: {said['message']}\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("explanationBaseline"), "explanationBaseline: Field required"),
        (lambda d: d["explanationBaseline"]["shares"].pop("s6"), "baseline differs in s6"),
    ],
)
def test_a_manifest_without_a_baseline_to_compare_with_is_refused(judge, changed, change, message):
    with pytest.raises((RuntimeError, ValueError), match=message):
        judge(model=changed(change))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DAVYLAMP_SEED": "7"}, "deployed with seed 7, trained with 42"),
        ({"DAVYLAMP_FEATURE_SNAPSHOT": "x"}, "deployed with feature snapshot x, trained with"),
        ({"DAVYLAMP_FEATURE_SNAPSHOT_SHA256": "ab"}, "deployed with feature snapshot sha256 ab"),
        ({"DAVYLAMP_RECENT_URI": "/nowhere.parquet"}, "FileNotFoundError"),
        ({}, "neither a model server nor a file with recent traffic is named"),
    ],
)
def test_another_image_than_deployed_or_nothing_to_read_is_refused(judge, environment, message):
    with pytest.raises((RuntimeError, ValueError), match=message):
        judge(**environment)


def test_another_snapshot_than_the_manifests_is_refused(judge, snapshot_file):
    with pytest.raises(ValueError, match="sha256"):
        judge("--snapshot", snapshot_file("v3"))


def test_the_snapshot_may_come_from_a_uri(drift, snapshot_file, recent_file, traffic):
    uri = f"file://{snapshot_file('v1')}"
    done, said = drift("--snapshot", uri, "--recent", recent_file(traffic))
    assert (done.returncode, said["verdict"]) == (0, "Stable")
