"""Files to replay: counters that are easy to reckon with, and the shortest spec."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from davylamp.__main__ import main

SPEC = """\
apiVersion: davylamp.dev/v1alpha1
kind: ModelDeployment
metadata: {name: model, namespace: models}
spec:
  image: {repository: registry.example/model, tag: "1"}
  featureSnapshot: {id: "1"}
  seed: 1
  rollout:
    steps: [{weight: 50, hold: 1m}]
    gates: GATES
"""
DEFAULT_GATES = "[{name: errors, errorRate: {}}]"


def spec(gates=DEFAULT_GATES):
    return SPEC.replace("GATES", gates)


def rows(pod, revision, *, start=0.0, end=300.0, step=5.0, rps=20, errors=0.0, first=0):
    """Cumulative counters of a pod that began at zero at `start`; from its `first`th sample on."""
    found = []
    for i in range(first, int((end - start) / step) + 1):
        requests = round(rps * step * i)
        found.append((start + i * step, pod, revision, requests, int(requests * errors)))
    return found


def canary(errors, **more):
    """Two stable pods that have served for 300 s, and one canary pod from 0 s on."""
    stable = [
        *rows("s-1", "old", start=-300.0, errors=0.005),
        *rows("s-2", "old", start=-300.0, errors=0.005),
    ]
    return [*stable, *rows("c-1", "new", errors=errors, **more)]


def as_csv(found):
    lines = (",".join(map(str, row)) for row in found)
    return "\n".join(["time,pod,revision,requests,errors", *lines]) + "\n"


@dataclass
class Command:
    """Runs the command line in a directory of its own."""

    directory: Path
    capsys: pytest.CaptureFixture[str]
    err: str = ""

    def file(self, name, text):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run(self, *arguments):
        code = main(list(arguments))
        out, self.err = self.capsys.readouterr()
        return code, out

    def replay(self, found, *more, gates=DEFAULT_GATES):
        text = found if isinstance(found, str) else as_csv(found)
        paths = self.file("spec.yaml", spec(gates)), self.file("counters.csv", text)
        told = ["--spec", paths[0], "--stable", "old", "--candidate", "new", paths[1]]
        return self.run("replay", *told, *more)

    def judged(self, found, *more, gates=DEFAULT_GATES):
        code, out = self.replay(found, "--json", *more, gates=gates)
        assert code == 0, self.err
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def command(tmp_path, capsys):
    return Command(tmp_path, capsys)
