"""The one line of the README: what it returns is what the training logs show."""

import json
import re

import pytest

from localcluster import compose

# The images are built where they are not there yet.
pytestmark = pytest.mark.timeout(900)
HEADING = "## Ask the model on your laptop"


@pytest.fixture(scope="module")
def line(root):
    chapter = (root / "README.md").read_text().partition(HEADING)[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)
    (line,) = block.splitlines()
    return line


@pytest.fixture(scope="module")
def answered(line, shell):
    done = shell(line)
    yield done
    assert shell("make -s stack-down").returncode == 0


@pytest.fixture(scope="module")
def logged(answered, shell):
    """The log of the run that the line started, as compose shows it."""
    done = shell(f"{' '.join(compose.find())} logs --no-color train")
    assert done.returncode == 0, done.stderr
    return re.sub(r"^[\w-]+ +\| ?", "", done.stdout, flags=re.MULTILINE)


def golden(log):
    return re.search(r"^golden 0: (.+)$", log, re.MULTILINE)[1]


def test_it_is_one_line_with_curl(line):
    assert "\n" not in line
    assert re.search(r"\bcurl\b", line)


def test_the_answer_is_the_number_in_the_log_of_this_run(answered, logged):
    assert answered.returncode == 0, answered.stderr
    answer = json.loads(answered.stdout, parse_float=str)
    assert answer["predictions"] == [golden(logged)]


def test_the_answer_is_the_number_in_the_published_log(answered, root):
    published = (root / "sample_model/published/v1/training.log").read_text()
    answer = json.loads(answered.stdout, parse_float=str)
    assert answer["predictions"] == [golden(published)]
    assert golden(published) in (root / "README.md").read_text()


def test_the_whole_log_is_the_published_one(logged, root):
    published = (root / "sample_model/published/v1/training.log").read_text().splitlines()
    assert [said for said in logged.splitlines() if said in published] == published


def test_the_snapshot_came_from_the_feature_store(answered, shell, root):
    """Its index names the hash that the log begins with."""
    index = json.loads(shell("curl -s localhost:8081/index.json").stdout)
    digests = {entry["id"]: entry["sha256"] for entry in index["snapshots"]}
    published = (root / "sample_model/published/v1/training.log").read_text()
    assert published.startswith(f"snapshot 2026-11-01 sha256 {digests['2026-11-01']}\n")


def test_asked_again_the_answer_is_the_same(answered, line, shell):
    again = shell(line)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["predictions"] == json.loads(answered.stdout)["predictions"]
