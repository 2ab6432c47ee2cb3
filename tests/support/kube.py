"""kubectl as a user types it, on the local cluster only; failures are answers too."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.support.manifests import Manifest

from localcluster.names import CONTEXT

PATIENCE = 60


@dataclass(frozen=True)
class Answer:
    """What kubectl said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


def kubectl(*arguments: str, stdin: object = None) -> Answer:
    """Run kubectl; `stdin` is sent as JSON."""
    done = subprocess.run(
        ["kubectl", "--context", CONTEXT, *arguments],
        input=None if stdin is None else json.dumps(stdin),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def admitted(manifest: Manifest) -> Manifest:
    """What the API server would store of it, defaults filled in; nothing is stored."""
    return kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=manifest).json


def refusal(manifest: Manifest) -> str:
    """What the API server says against it; fails when it says nothing."""
    answer = kubectl("create", "--dry-run=server", "-o", "name", "-f", "-", stdin=manifest)
    assert answer.code != 0, f"admitted: {json.dumps(manifest)}"
    return answer.err
