"""The operator's own checks, asked of the running server as it asks a canary's pod."""

from collections.abc import Sequence
from typing import Any

from davylamp.api.spec import CheckName
from davylamp.checks import (
    Answered,
    CheckResult,
    CheckVerdict,
    Expected,
    Replies,
    judged,
    questions,
)
from packing.plan import Claims
from reproduce.results import Row, Section
from reproduce.served import Server


def spec(tag: str, claims: Claims) -> Expected:
    """What a ModelDeployment that names this model says."""
    return Expected(tag, claims.snapshot, claims.seed, claims.snapshot_sha256)


def ask(server: Server, expected: Expected) -> tuple[CheckResult, ...]:
    """Every check, with the questions that the manifest gives rise to."""
    manifest = Answered(server.get("/manifest"))
    asked = questions(tuple(CheckName), manifest)
    replies = Replies(
        manifest,
        tuple(Answered(server.post("/predict", body)) for body in asked.bodies),
        tuple(Answered(server.post("/explain", body)) for body in asked.bodies),
    )
    return judged(tuple(CheckName), expected, replies)


def of_manifest(document: Any, expected: Expected) -> CheckResult:
    """The check of the manifest alone."""
    (result,) = judged((CheckName.MANIFEST,), expected, Replies(Answered(document)))
    return result


def section(results: Sequence[CheckResult]) -> Section:
    """One row for each check."""
    return Section(
        ("check of the operator", "verdict", "says"),
        tuple(
            Row((each.name, each.verdict, each.message), good=each.verdict is CheckVerdict.PASS)
            for each in results
        ),
    )
