import importlib.util
import re
import shutil
import sys
import tomllib

import pytest


@pytest.fixture
def build(root):
    spec = importlib.util.spec_from_file_location("sample_model_build", root / "build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_every_release_has_a_tag_of_its_own_that_a_registry_and_yaml_take(build, capsys):
    assert build.main(["--print"]) == 0
    pairs = dict(line.split("=") for line in capsys.readouterr().out.splitlines())
    assert list(pairs) == ["v1", "v2", "v3"]
    assert len(set(pairs.values())) == 3
    assert all(re.fullmatch(r"v\d-[0-9a-f]{7}", tag) for tag in pairs.values())


def test_another_release_file_is_another_tag(build, root, tmp_path, monkeypatch):
    copy = tmp_path / "sample_model"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    before = build.tag_of("v1")
    monkeypatch.setattr(build, "HERE", copy)
    assert build.tag_of("v1") == before
    release = copy / "releases/v1.toml"
    release.write_text(release.read_text().replace("alpha = 1.0", "alpha = 2.0"))
    assert build.tag_of("v1") != before


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
    assert "ORT_DISABLE_TELEMETRY=1" in (root / "Dockerfile").read_text()
