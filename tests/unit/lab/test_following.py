"""A kubectl that prints on is ended with its context, and every version of an object is kept."""

import time

import pytest

from lab import kubectl as module
from lab.kubectl import following
from lab.watch import Watch

VERSIONS = '{\n  "a": 1\n}\n{\n  "a": {\n    "b": 2\n  }\n}\n'


@pytest.fixture
def endless(monkeypatch):
    """A kubectl that prints a text and then never ends by itself."""

    def install(text):
        line = ["sh", "-c", 'printf "%s" "$0"; exec sleep 600', text]
        monkeypatch.setattr(module, "command", lambda *_: line)

    return install


def test_lines_come_as_they_are_printed_and_the_context_ends_kubectl(endless):
    endless("one\ntwo\n")
    began = time.monotonic()
    with following("logs", "-f", "pod") as log:
        assert [next(log.lines), next(log.lines)] == ["one\n", "two\n"]
    assert time.monotonic() - began < 60, "it was ended, not waited for"


def test_a_watch_keeps_every_version_with_the_time_it_came(endless):
    endless(VERSIONS)
    began = time.time()
    with Watch("service", "risk", "models") as watch:
        while len(watch.versions()) < 2:
            time.sleep(0.01)
        assert watch.latest() == {"a": {"b": 2}}
    first, second = watch.versions()
    assert first.object == {"a": 1}
    assert began <= first.at <= second.at <= time.time()
