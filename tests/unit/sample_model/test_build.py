"""What the images are made of, what they are called, and what they say."""

import re
import shutil
import subprocess
import tomllib
from dataclasses import replace

import pytest

import build
from localcluster.versions import OFFICIAL_PYTHON_IMAGE
from packing import base, sources
from packing.base import Base
from packing.identity import NO_COMMIT_EPOCH, Identity, identify
from packing.outputs import step_outputs
from packing.plan import Claims, Kind, Plan

COMMIT = "3f2c1ab" + "0" * 33
CONTENT = "c0ffee1" + "0" * 57
RELEASES = ["unfair", "v1", "v2", "v3"]


@pytest.fixture
def checkout(root, tmp_path):
    """A clean checkout of the sample model, one commit old."""
    folder = tmp_path / "repository" / "sample_model"
    sources.copy(root, folder)
    (folder / "README.md").write_text("not in any image\n")
    git(folder, "init", "-q")
    commit(folder)
    return folder


def git(folder, *words):
    author = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    done = subprocess.run(
        ["git", "-C", folder, *author, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder):
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


def identity_of(folder):
    return identify(folder, sources.content_hash(folder))


def plan(**changes):
    identity = Identity(COMMIT, dirty=False, epoch=1_795_000_000, content=CONTENT)
    known = Plan(
        release="v1",
        identity=identity,
        base=Base("python:3.13@sha256:ba5e", "python:3.13", "sha256:ba5e", "sha256:1d"),
        claims=Claims("2026-11-01", "5a" * 32, 42),
        epoch=identity.epoch,
    )
    return replace(known, **changes)


def test_every_release_has_a_tag_of_its_own_that_a_registry_and_yaml_take(capsys):
    assert build.main(["--print", "--base-image", "none.invalid/none"]) == 0
    pairs = dict(line.split("=") for line in capsys.readouterr().out.splitlines())
    assert list(pairs) == RELEASES
    form = r"-([0-9a-f]{7}(-dirty-[0-9a-f]{7})?|nogit-[0-9a-f]{7})"
    assert all(re.fullmatch(release + form, tag) for release, tag in pairs.items())


def test_the_tag_is_the_commit_that_last_changed_the_images(checkout):
    first = git(checkout, "rev-parse", "HEAD")
    assert identity_of(checkout).tag("v1") == f"v1-{first[:7]}"
    (checkout / "README.md").write_text("changed, and still in no image\n")
    assert identity_of(checkout).tag("v1") == f"v1-{first[:7]}"
    commit(checkout)
    assert identity_of(checkout).tag("v1") == f"v1-{first[:7]}"
    release = checkout / "releases/v1.toml"
    release.write_text(release.read_text().replace("alpha = 1.0", "alpha = 2.0"))
    second = commit(checkout)
    assert identity_of(checkout).tag("v1") == f"v1-{second[:7]}"


@pytest.mark.parametrize("path", ["diabetes_model/new.py", "Dockerfile", "requirements/serve.txt"])
def test_what_no_commit_has_is_dirty_and_named_by_its_content(checkout, path):
    head = git(checkout, "rev-parse", "HEAD")
    with (checkout / path).open("a") as file:
        file.write("\n# not committed\n")
    identity = identity_of(checkout)
    assert identity.dirty
    assert identity.commit == head
    assert identity.tag("v1") == f"v1-{head[:7]}-dirty-{sources.content_hash(checkout)[:7]}"
    (checkout / path).write_text("other\n")
    assert identity_of(checkout).tag("v1") != identity.tag("v1")


def test_without_git_the_content_is_the_tag(root, tmp_path):
    sources.copy(root, tmp_path)
    identity = identity_of(tmp_path)
    assert identity.tag("v1") == f"v1-nogit-{sources.content_hash(root)[:7]}"
    assert (identity.commit, identity.dirty, identity.epoch) == (None, True, NO_COMMIT_EPOCH)


def test_a_context_is_the_same_for_every_umask_and_moment(checkout, tmp_path):
    for path in checkout.rglob("*.py"):
        path.chmod(0o700)
    pycache = checkout / "diabetes_model/__pycache__"
    pycache.mkdir()
    (pycache / "x.pyc").write_text("")
    context = tmp_path / "context"
    sources.copy(checkout, context)
    sources.date(context, 1_795_000_000)
    assert sources.content_hash(context) == sources.content_hash(checkout)
    assert not list(context.rglob("*.pyc"))
    found = [path.stat() for path in (context, *context.rglob("*"))]
    assert {stat.st_mtime for stat in found} == {1_795_000_000}
    assert {oct(stat.st_mode) for stat in found} == {"0o100644", "0o40755"}


def test_the_docker_build_copies_nothing_but_the_sources_that_are_counted(root):
    text = (root / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE)
    counted = {path.as_posix() for path in sources.files(root)}
    for path in copied:
        inside = {p for p in counted if p == path or p.startswith(f"{path}/")}
        assert inside, path
        counted -= inside if path != "diabetes_model" else set()
    left = {p for p in counted if not p.startswith("diabetes_model/")}
    assert left == {"Dockerfile"}


def test_labels_say_where_an_image_comes_from_and_what_its_manifest_will_claim():
    labels = plan(url="https://example.org/davylamp").labels(Kind.SERVING)
    prefix = "org.opencontainers.image."
    assert {name.removeprefix(prefix): v for name, v in labels.items() if prefix in name} == {
        "title": "diabetes-risk serving",
        "version": "v1-3f2c1ab",
        "revision": COMMIT,
        "created": "2026-11-18T11:06:40Z",
        "source": "https://example.org/davylamp",
        "licenses": "Apache-2.0",
        "base.name": "python:3.13",
        "base.digest": "sha256:ba5e",
    }
    assert labels["dev.davylamp.snapshot"] == "2026-11-01"
    assert labels["dev.davylamp.seed"] == "42"


def test_what_is_not_known_is_not_a_label():
    unknown = plan(base=Base("local", "local", None, "sha256:1d"))
    assert "org.opencontainers.image.base.digest" not in unknown.labels(Kind.TRAINING)
    assert "org.opencontainers.image.source" not in unknown.labels(Kind.TRAINING)


@pytest.mark.parametrize(
    "changes",
    [
        {"release": "v2"},
        {"base": Base("python:3.13", "python:3.13", None, "sha256:other")},
        {"identity": Identity(COMMIT, dirty=False, epoch=0, content="0" * 64)},
        {"epoch": 0},
    ],
    ids=str,
)
def test_an_image_is_out_of_date_when_anything_it_follows_from_changes(changes):
    assert plan(**changes).source != plan().source


def test_both_images_share_tag_and_training_run():
    serving, training = plan().options(Kind.SERVING), plan().options(Kind.TRAINING)
    assert "--target=serving" in serving
    assert "--target=training" in training
    assert plan().image(Kind.TRAINING) == "davylamp/diabetes-risk-training:v1-3f2c1ab"
    both = set(serving) & set(training)
    assert {f"--build-arg={k}={v}" for k, v in plan().arguments().items()} <= both


def test_a_workflow_gets_arguments_and_labels_it_can_hand_on():
    told = step_outputs(plan())
    blocks = dict(
        re.findall(r"^(\S+)<<END_OF_VALUES\n(.*?)^END_OF_VALUES$", told, re.MULTILINE | re.DOTALL)
    )
    assert "tag=v1-3f2c1ab\n" in told
    assert dict(line.split("=", 1) for line in blocks["build-args"].splitlines()) == (
        plan().arguments()
    )
    for kind in Kind:
        lines = blocks[f"{kind.value}-labels"].splitlines()
        assert dict(line.split("=", 1) for line in lines) == plan().labels(kind)


def test_the_base_is_pinned_by_the_same_digest_everywhere(root):
    assert re.fullmatch(r"python:3\.13\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", base.OFFICIAL)
    default = re.search(r"^ARG BASE_IMAGE=(\S+)$", (root / "Dockerfile").read_text(), re.MULTILINE)
    assert default[1] == base.OFFICIAL == OFFICIAL_PYTHON_IMAGE


@pytest.mark.parametrize("release", RELEASES)
def test_claims_are_read_from_the_release_file(root, release):
    document = tomllib.loads((root / f"releases/{release}.toml").read_text())
    claims = Claims.read(root / f"releases/{release}.toml")
    assert claims.seed == document["seed"]
    assert claims.snapshot == document["snapshot"]["id"]
    assert claims.snapshot_sha256 == document["snapshot"]["sha256"]


def test_an_unknown_release_is_refused(capsys):
    with pytest.raises(SystemExit) as exit_:
        build.main(["v9"])
    assert exit_.value.code == 2
    assert "unknown release v9" in capsys.readouterr().err


def test_without_docker_the_error_is_one_line(monkeypatch, capsys, tmp_path):
    git_only = tmp_path / "bin"
    git_only.mkdir()
    (git_only / "git").symlink_to(shutil.which("git"))
    monkeypatch.setenv("PATH", str(git_only))
    assert build.main(["v1"]) == 1
    assert "docker" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["serve", "train"])
def test_the_images_requirements_are_the_lockfiles(root, name):
    lock = tomllib.loads((root / "uv.lock").read_text())
    locked = {(p["name"], p["version"]): p for p in lock["package"]}
    blocks = re.findall(
        r"^(\S+)==(\S+)(.*(?:\n    .*)*)",
        (root / f"requirements/{name}.txt").read_text(),
        re.MULTILINE,
    )
    assert len(blocks) > 15
    for package, version, rest in blocks:
        entry = locked[package, version]
        files = [*entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]
        assert set(re.findall(r"sha256:[0-9a-f]{64}", rest)) == {file["hash"] for file in files}


def test_the_locked_runtime_sends_nothing_home(root):
    lock = tomllib.loads((root / "uv.lock").read_text())
    (version,) = (p["version"] for p in lock["package"] if p["name"] == "onnxruntime")
    assert tuple(map(int, version.split(".")[:2])) < (1, 29)
    assert (root / "Dockerfile").read_text().count("ORT_DISABLE_TELEMETRY=1") == 2
