"""A healthy cluster is left alone, and a changed recipe is reported."""

import pytest

from localcluster import cluster
from localcluster.host import Host
from localcluster.progress import Progress
from localcluster.strategy import ClusterState

NOBODY = Host("linux", "x86_64", False, False, False, frozenset())


@pytest.fixture
def reported(monkeypatch):
    """What `ensure` reports about a healthy cluster whose node has a recipe."""
    monkeypatch.setattr(cluster, "state", lambda: ClusterState.READY)

    def run(recipe_of_node):
        lines = []
        monkeypatch.setattr(cluster.shell, "output", lambda _: recipe_of_node)
        cluster.ensure(
            NOBODY, recipe="now", node_image=pytest.fail, progress=Progress(lines.append)
        )
        return lines

    return run


def test_a_cluster_of_todays_recipe_is_left_alone_silently(reported):
    assert reported("now\n") == []


def test_a_cluster_that_does_not_know_its_recipe_is_left_alone_silently(reported):
    assert reported(None) == []


def test_a_cluster_of_another_recipe_is_left_alone_and_reported(reported):
    (line,) = reported("before\n")
    assert "make cluster-down cluster" in line


def test_a_recipe_changes_with_the_node_image():
    assert cluster.recipe("a") == cluster.recipe("a")
    assert cluster.recipe("a") != cluster.recipe("b")
