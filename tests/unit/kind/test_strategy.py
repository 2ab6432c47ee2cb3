"""What is done with what was found."""

from dataclasses import replace

import pytest

from localcluster import strategy
from localcluster.errors import SetupError
from localcluster.host import Host, is_debian_like
from localcluster.strategy import ClusterState, EngineChoice, InstalledTool

DEBIAN_ROOT = Host(
    system="linux",
    machine="x86_64",
    root=True,
    debian_like=True,
    systemd=False,
    missing_capabilities=frozenset(),
)


def test_a_running_engine_is_used_whoever_runs_this():
    nobody = replace(DEBIAN_ROOT, root=False, debian_like=False, system="darwin")
    choice = strategy.choose_engine(nobody, running=True, installed=False)
    assert choice is EngineChoice.RUNNING


@pytest.mark.parametrize(
    ("installed", "expected"), [(True, EngineChoice.START), (False, EngineChoice.INSTALL)]
)
def test_root_on_debian_can_start_and_install(installed, expected):
    assert strategy.choose_engine(DEBIAN_ROOT, running=False, installed=installed) is expected


@pytest.mark.parametrize(
    ("change", "installed"),
    [({"root": False}, True), ({"system": "darwin"}, True), ({"debian_like": False}, False)],
)
def test_without_an_engine_and_no_way_to_one_the_error_says_what_to_do(change, installed):
    with pytest.raises(SetupError) as refused:
        strategy.choose_engine(replace(DEBIAN_ROOT, **change), running=False, installed=installed)
    assert "Install Docker" in refused.value.hint


def test_building_images_takes_root_on_debian():
    strategy.require_builder(DEBIAN_ROOT, what="kindest/node")
    for change in ({"root": False}, {"debian_like": False}):
        with pytest.raises(SetupError, match="kindest/node") as refused:
            strategy.require_builder(replace(DEBIAN_ROOT, **change), what="kindest/node")
        assert "registry" in refused.value.hint


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (None, False),
        (InstalledTool("/usr/bin/kubectl", "Client Version: v1.32.4-dispatcher"), False),
        (InstalledTool("/usr/bin/kubectl", "Client Version: v1.34.0"), True),
        (InstalledTool("/usr/bin/kubectl", ""), False),
    ],
)
def test_a_tool_on_path_is_used_when_new_enough(tool, expected):
    assert strategy.fits(tool, minimum=(1, 34, 0)) is expected


@pytest.mark.parametrize(
    ("container", "node_ready", "expected"),
    [
        (None, False, ClusterState.ABSENT),
        ("exited", False, ClusterState.DEAD),
        ("created", False, ClusterState.DEAD),
        ("running", False, ClusterState.UNREACHABLE),
        ("running", True, ClusterState.READY),
    ],
)
def test_cluster_state(container, node_ready, expected):
    assert strategy.classify(container=container, node_ready=node_ready) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ID=debian\nVERSION_CODENAME=bookworm\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ("ID=fedora\n", False),
        ("", False),
    ],
)
def test_debian_and_its_children(text, expected):
    assert is_debian_like(text) is expected
