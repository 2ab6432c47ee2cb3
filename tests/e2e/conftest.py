"""The operator on the local cluster, and stories that run side by side.

A test that takes `story` waits most of its time, so all of them are played in a few threads from
the first one on, each with a model in a namespace of its own; each test then reports its own. Tests
that disrupt what all share (the operator, Prometheus) or measure time take `stage` instead and run
alone, after the stories.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.story import Story

from lab import kubectl

ROOT = Path(__file__).parents[2]
STORIES_AT_A_TIME = int(os.environ.get("E2E_STORIES", "4"))
INSTALLED = "DAVYLAMP_TAGS"
"""What `localcluster install` printed, where it has run for this run of pytest."""
STORY_SECONDS = 600
INSTALL_SECONDS = 1500


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories first; a story may wait long for its turn."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.timeout(STORY_SECONDS))
    items.sort(key=lambda item: item.path.is_relative_to(here) and not _is_story(item))


@pytest.fixture(scope="session")
def tags() -> Mapping[str, str]:
    """Tags of the sample model by release, with the operator installed.

    `make` has installed it and passes them; for a pytest of its own it is installed here.
    """
    if INSTALLED in os.environ:
        return tags_of(os.environ[INSTALLED])
    done = subprocess.run(
        [sys.executable, "-m", "localcluster", "install"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "kind")},
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tags_of(done.stdout)


def tags_of(listing: str) -> dict[str, str]:
    """Tags by release, from the `release=tag` lines of `localcluster install`."""
    tags = dict(line.split("=", 1) for line in listing.split())
    assert tags.keys() >= {"v1", "v2", "v3"}, listing
    return tags


@pytest.fixture(scope="session")
def stories(
    request: pytest.FixtureRequest, tags: Mapping[str, str]
) -> Iterator[Mapping[str, Future[float]]]:
    """Every selected story, already under way."""
    with ThreadPoolExecutor(STORIES_AT_A_TIME) as pool:
        yield {
            item.nodeid: pool.submit(_play, item, tags)
            for item in request.session.items
            if _is_story(item)
        }
        pool.shutdown(wait=False, cancel_futures=True)


@pytest.fixture
def story(stories: Mapping[str, Future[float]], request: pytest.FixtureRequest) -> Future[float]:
    """Marks a test that runs beside the others; it is given a `Story`."""
    return stories[request.node.nodeid]


@pytest.fixture
def stage(tags: Mapping[str, str], request: pytest.FixtureRequest) -> Iterator[Story]:
    """A story that runs alone."""
    story = Story(_namespace_of(request.node), tags)
    with kubectl.namespace(story.namespace):
        yield story


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A story's test is its end; how long it took goes to the report."""
    if not _is_story(pyfuncitem):
        return None
    took = pyfuncitem.funcargs["story"].result()
    pyfuncitem.user_properties.append(("story_seconds", round(took, 1)))
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long each story took, as they overlap, and what was measured."""
    properties = [
        (name, report.nodeid, value)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if report.when == "call"
    ]
    if terminalreporter.config.getoption("durations") is not None:
        terminalreporter.section("stories, side by side")
        slowest = sorted(((v, n) for k, n, v in properties if k == "story_seconds"), reverse=True)
        for seconds, nodeid in slowest:
            terminalreporter.write_line(f"{seconds:6.1f}s {nodeid}")
    for nodeid, value in ((n, v) for k, n, v in properties if k == "measured"):
        terminalreporter.write_line(f"{nodeid}: {value}")


def _is_story(item: pytest.Item) -> bool:
    here = Path(__file__).parent
    return item.path.is_relative_to(here) and "story" in getattr(item, "fixturenames", ())


def _play(item: pytest.Function, tags: Mapping[str, str]) -> float:
    began = time.monotonic()
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    story = Story(_namespace_of(item), tags)
    with kubectl.namespace(story.namespace):
        try:
            item.obj(story=story, **parameters)
        except Exception as error:
            error.add_note(story.explain())
            raise
    return time.monotonic() - began


def _namespace_of(item: pytest.Item) -> str:
    words = item.name.removeprefix("test_").replace("[", "-").rstrip("]").replace("_", "-")
    safe = "".join(c if c.isalnum() else "-" for c in words.lower())
    return f"e2e-{safe}"[:60].rstrip("-")
