"""Versions: read from tools, pinned in go.mod."""

import pytest

from localcluster import gobuild, pypi, versions

GO_MOD = """\
module example

go 1.26.0

tool sigs.k8s.io/kind

require (
\tsigs.k8s.io/kind v0.33.0
\tsigs.k8s.io/yaml v1.6.0 // indirect
)

require k8s.io/kubernetes v1.35.4
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind v0.33.0 go1.26.8 linux/amd64", (0, 33, 0)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("v4.3", (4, 3, 0)),
        ('version.BuildInfo{Version:"v3.16.2", GitCommit:"abc"}', (3, 16, 2)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", (1, 32, 4)),
        ("command not found", None),
        ("", None),
    ],
)
def test_versions_are_found_in_what_tools_print(text, expected):
    assert versions.parse_version(text) == expected


def test_versions_compare_by_number():
    assert versions.is_at_least("v1.100.0", (1, 34, 0))
    assert not versions.is_at_least("v1.9.9", (1, 34, 0))
    assert not versions.is_at_least("no version at all", (0, 0, 1))


def test_pinned_versions_are_read_from_either_form_of_require():
    assert versions.pinned(GO_MOD, "sigs.k8s.io/kind") == "v0.33.0"
    assert versions.pinned(GO_MOD, "k8s.io/kubernetes") == "v1.35.4"
    with pytest.raises(KeyError):
        versions.pinned(GO_MOD, "sigs.k8s.io")


def test_prometheus_release_of_a_module_version():
    assert versions.prometheus_release("v0.316.0") == "v3.16.0"
    assert versions.prometheus_release("v0.304.2") == "v3.4.2"


@pytest.mark.parametrize(
    "build",
    [
        gobuild.KUBERNETES,
        gobuild.KIND,
        gobuild.ETCD,
        gobuild.COREDNS,
        gobuild.HELM,
        gobuild.KWOK,
        gobuild.REGISTRY,
    ],
)
def test_every_build_is_pinned_with_checksums(build):
    sums = (build.source / "go.sum").read_text(encoding="utf-8")
    assert f"{build.module} {build.version} h1:" in sums


def test_kubernetes_is_built_with_its_version():
    flags = " ".join(gobuild.KUBERNETES.arguments)
    version = versions.parse_version(gobuild.KUBERNETES.version)
    assert f"gitVersion={gobuild.KUBERNETES.version}" in flags
    assert f"gitMinor={version[1]} " in flags


def test_kubectl_is_within_one_minor_version_of_both_node_images():
    kubectl = versions.parse_version(pypi.kubectl_artifact().version)
    official = versions.parse_version(versions.OFFICIAL_NODE_IMAGE)
    built = versions.parse_version(gobuild.KUBERNETES.version)
    for node in (official, built):
        assert abs(node[1] - kubectl[1]) <= 1
