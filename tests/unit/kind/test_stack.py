"""What `make stack` tells compose, and the file that it tells it in."""

import stat

import pytest
import yaml

from localcluster import compose, stack
from localcluster.errors import SetupError
from localcluster.host import Host
from localcluster.progress import Progress

LABELS = {
    "org.opencontainers.image.revision": "3da2018c19b29c666934a89b0561b8bfb7f5d502",
    "org.opencontainers.image.base.name": "python:3.13-slim-bookworm",
    "org.opencontainers.image.base.digest": "sha256:67a1",
    "dev.davylamp.dirty": "false",
}
NOBODY = Host("linux", "x86_64", False, False, False, frozenset())


def quiet() -> Progress:
    return Progress(lambda _text: None)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """PATH holds nothing but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def program(name: str, says: str, code: int = 0) -> None:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return program


def test_the_manifest_of_the_stack_says_what_the_image_says():
    told = stack.settings("v1-3da2018", LABELS, {})
    assert told["DAVYLAMP_TAG"] == "v1-3da2018"
    assert told["DAVYLAMP_COMMIT"] == "3da2018c19b29c666934a89b0561b8bfb7f5d502"
    assert told["DAVYLAMP_BASE"] == "python:3.13-slim-bookworm@sha256:67a1"
    assert told["DAVYLAMP_DIRTY"] == ""
    assert told["DAVYLAMP_API_PORT"] == "8080"


def test_a_dirty_tree_and_a_base_without_a_digest_are_said():
    local = {"dev.davylamp.dirty": "true", "org.opencontainers.image.base.name": "local/base"}
    told = stack.settings("v1-dirty", local, {"DAVYLAMP_API_PORT": "9090"})
    assert told["DAVYLAMP_BASE"] == "local/base"
    assert told["DAVYLAMP_COMMIT"] == "unknown"
    assert told["DAVYLAMP_DIRTY"] == "--dirty"
    assert told["DAVYLAMP_API_PORT"] == "9090"


def test_our_file_is_written_anew_and_anothers_is_left_alone(tmp_path):
    path = tmp_path / ".env"
    stack.write_settings(path, {"DAVYLAMP_TAG": "one"})
    stack.write_settings(path, {"DAVYLAMP_TAG": "two"})
    assert path.read_text().splitlines()[1:] == ["DAVYLAMP_TAG=two"]
    path.write_text("PASSWORD=mine\n")
    with pytest.raises(SetupError, match="was not written by `make stack`"):
        stack.write_settings(path, {})
    assert path.read_text() == "PASSWORD=mine\n"


def test_every_variable_of_the_file_is_described_and_has_a_default():
    text = (stack.ROOT / "compose.yaml").read_text()
    names = {part.partition("}")[0].partition(":-")[0] for part in text.split("${")[1:]}
    assert names < stack.settings("tag", {}, {}).keys()
    assert text.count("${") == text.count(":-")


def test_every_service_is_restricted_and_heard_on_loopback_only():
    services = yaml.safe_load((stack.ROOT / "compose.yaml").read_text())["services"]
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["user"] == "65532:65532"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert {name for name, service in services.items() if "healthcheck" in service} == {
        "feature-store",
        "api",
    }


def test_the_plugin_goes_before_the_old_program(programs):
    programs("docker-compose", "1.29.2")
    assert compose.find() == ("docker-compose",)
    programs("docker", "v2.40.3")
    assert compose.find() == ("docker", "compose")


def test_an_old_or_broken_compose_is_none(programs):
    programs("docker-compose", "1.25.0")
    programs("docker", "unknown command: docker compose", code=1)
    assert compose.find() is None


def test_a_missing_compose_says_how_to_get_it(programs):
    with pytest.raises(SetupError, match="compose is missing") as problem:
        compose.ensure(NOBODY, progress=quiet())
    assert "docs.docker.com/compose/install" in problem.value.hint
