"""What a stranger compares with: `sample_model/published/<release>/`.

After a change that is meant to change it: train the release, and copy the two files from there.
"""

import json
import platform

import pytest

from diabetes_model.manifest import Manifest

RELEASES = ("unfair", "v1", "v2", "v3")
elsewhere = platform.machine() not in {"x86_64", "AMD64"}


@pytest.mark.skipif(elsewhere, reason="published from x86-64, whose linear algebra is pinned")
@pytest.mark.parametrize("name", RELEASES)
@pytest.mark.parametrize("file", ["training.log", "request.json"])
def test_training_again_gives_what_is_published(trained, root, name, file):
    published = root / "published" / name / file
    assert (trained(name) / file).read_text() == published.read_text()


def test_every_release_is_published(root):
    assert tuple(sorted(path.stem for path in (root / "releases").glob("*.toml"))) == RELEASES
    assert tuple(sorted(path.name for path in (root / "published").iterdir())) == RELEASES


@pytest.mark.parametrize("name", RELEASES)
def test_the_published_log_shows_the_answer_to_the_published_request(trained, root, name):
    folder = root / "published" / name
    golden = Manifest.read(trained(name)).golden[0]
    rows = json.loads((folder / "request.json").read_text())["rows"]
    assert rows == [dict(row) for row in golden.request.rows]
    assert f"golden 0: {golden.predictions[0]!r}\n" in (folder / "training.log").read_text()
