"""An image that fulfils the contract of docs/model-server.md, and everything that can be wrong with it."""

import copy
import json
from collections.abc import Callable, Collection
from typing import Any

from davylamp.api.spec import CheckName
from davylamp.checks import (
    Answered,
    CheckResult,
    Declined,
    Expected,
    Heard,
    Received,
    Replies,
    Reply,
    judged,
    questions,
)

Json = dict[str, Any]
ALL = tuple(CheckName)
SHA256 = "9c1e" * 16
EXPECTED = Expected(tag="v1-3f2c1ab", snapshot="2026-11-01", seed=42, sha256=SHA256)


def manifest_of(
    *, tag: str = EXPECTED.tag, snapshot: str = EXPECTED.snapshot, seed: int = EXPECTED.seed
) -> Json:
    """A manifest as the sample model's training writes it, as far as it is read."""
    return {
        "format": "davylamp.dev/manifest/v1",
        "model": "diabetes-risk",
        "image": {"tag": tag, "commit": "unknown", "dirty": False},
        "featureSnapshot": {"id": snapshot, "sha256": SHA256},
        "seed": seed,
        "bias": [
            {
                "by": "sex",
                "part": "holdout",
                "metric": "meanAbsoluteError",
                "groups": {"1": {"value": 41.5, "rows": 40}, "2": {"value": 44.0, "rows": 48}},
                "gap": 2.5,
                "max": 12.0,
            }
        ],
        "golden": [_golden(152.25, 1.75), _golden(97.5, -53.0)],
    }


def _golden(prediction: float, contribution: float) -> Json:
    contributions = {"bmi": contribution, "age": prediction - 150.5 - contribution}
    explanation = {"prediction": prediction, "baseline": 150.5, "contributions": contributions}
    return {
        "request": {"rows": [{"bmi": prediction}]},
        "predictions": [prediction],
        "explanations": [explanation],
    }


class Server:
    """A model server without a network; `break_*` make it a bad one."""

    def __init__(self, manifest: Json | None = None) -> None:
        self.manifest: Any = manifest or manifest_of()
        self.asked: list[str] = []
        self._claims = copy.deepcopy(self.manifest)
        self._answers: dict[str, Callable[[Any], Any]] = {}

    def claim(self, change: Callable[[Json], Any]) -> "Server":
        """Change what the manifest says; the model stays as it was."""
        change(self.manifest)
        return self

    def answer(self, path: str, change: Callable[[Any], Any]) -> "Server":
        """Put each document that a path answers through a function; a Reply is taken as it is."""
        self._answers[path] = change
        return self

    def get_manifest(self) -> Reply:
        return self._reply("/manifest", self.manifest)

    def post(self, path: str, body: Json) -> Reply:
        known = [g for g in self._claims["golden"] if g["request"] == body]
        if not known:
            return Declined(f"POST {path} answered 422", 422)
        member = "predictions" if path == "/predict" else "explanations"
        return self._reply(path, {member: copy.deepcopy(known[0][member]), "tag": "v1"})

    def _reply(self, path: str, document: Any) -> Reply:
        self.asked.append(path)
        change = self._answers.get(path, lambda found: found)
        said = change(document)
        return said if isinstance(said, Reply.__args__) else Answered(said)


def as_text(reply: Reply) -> Heard:
    """A reply as it comes over the network, where nobody has looked at it yet."""
    if isinstance(reply, Answered):
        return Received(json.dumps(reply.document).encode())
    return reply


def heard(server: Server, checks: Collection[CheckName] = ALL) -> Replies:
    """Everything an inspection hears."""
    manifest = server.get_manifest()
    asked = questions(checks, manifest)
    return Replies(
        manifest=manifest,
        predictions=tuple(server.post("/predict", b) for b in asked.bodies if asked.predict),
        explanations=tuple(server.post("/explain", b) for b in asked.bodies if asked.explain),
    )


def inspected(
    server: Server, checks: Collection[CheckName] = ALL, expected: Expected = EXPECTED
) -> dict[str, CheckResult]:
    """What the checks say about a server, by name."""
    return {result.name: result for result in judged(checks, expected, heard(server, checks))}
