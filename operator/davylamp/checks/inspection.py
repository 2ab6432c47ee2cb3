"""One inspection of one pod: what to ask after the manifest, and what the replies mean."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from davylamp.api.spec import CheckName
from davylamp.checks.bias import judge_bias
from davylamp.checks.expected import Expected
from davylamp.checks.explain import explain_finding, explained, unrecorded
from davylamp.checks.golden import Difference, compared, floor_of, golden_finding
from davylamp.checks.manifest import document_of, judge_manifest
from davylamp.checks.reading import MalformedError
from davylamp.checks.recorded import (
    GoldenRequest,
    golden_in,
    golden_of,
    shares_of,
    tolerance_of,
)
from davylamp.checks.replies import Questions, Replies, Reply
from davylamp.checks.results import CheckReason, CheckResult, Finding, failed

MANIFEST_PATH = "/manifest"
PREDICT_PATH = "/predict"
EXPLAIN_PATH = "/explain"
ROUTES: Final[Mapping[CheckName, str]] = {
    CheckName.GOLDEN: PREDICT_PATH,
    CheckName.EXPLAIN: EXPLAIN_PATH,
}
"""Where golden requests are sent, by the check that needs the replies."""


def questions(checks: Collection[CheckName], manifest: Reply) -> Questions:
    """What to ask after the manifest: nothing if it holds no golden requests."""
    document = document_of(manifest)
    if isinstance(document, Finding):
        return Questions()
    try:
        goldens = golden_of(document)
    except MalformedError:
        return Questions()
    explain = CheckName.EXPLAIN in checks and all(golden.explanations for golden in goldens)
    return Questions(
        bodies=tuple(golden.request for golden in goldens),
        predict=CheckName.GOLDEN in checks,
        explain=explain,
    )


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Outline:
    """What is kept of a manifest: results of the checks that it suffices for, and what to ask for others.

    Attributes:
        results: of checks that need no further reply.
        open_checks: those that need the replies to all requests, each on a route of its own.
        requests: golden requests, in order.
        tolerance: relative difference that is tolerated.
        floor: see `floor_of`.
        rows: predictions of all requests.
        shares: how much each feature mattered in training.
    """

    results: tuple[CheckResult, ...] = ()
    open_checks: tuple[CheckName, ...] = ()
    requests: tuple[GoldenRequest, ...] = ()
    tolerance: float = 0.0
    floor: float = 0.0
    rows: int = 0
    shares: Mapping[str, float] = field(default_factory=dict)


Comparison: TypeAlias = Difference | Finding | None
"""What one reply to a golden request amounts to; None where nothing is wrong with it."""


def outline_of(checks: Collection[CheckName], expected: Expected, manifest: Reply) -> Outline:
    """What a manifest says, and what it leaves open."""
    document = document_of(manifest)
    if isinstance(document, Finding):
        return Outline(_in_order(checks, dict.fromkeys(checks, document)))
    findings = dict[CheckName, Finding]()
    if CheckName.MANIFEST in checks:
        findings[CheckName.MANIFEST] = judge_manifest(document, expected)
    if CheckName.BIAS in checks:
        findings[CheckName.BIAS] = judge_bias(document)
    shares = shares_of(manifest)
    by_requests = [check for check in ROUTES if check in checks]
    if not by_requests:
        return Outline(_in_order(checks, findings), shares=shares)
    try:
        goldens, tolerance = golden_of(document), tolerance_of(document)
    except MalformedError as malformed:
        invalid = failed(CheckReason.MANIFEST_INVALID, f"manifest: {malformed}")
        findings |= dict.fromkeys(by_requests, invalid)
        return Outline(_in_order(checks, findings), shares=shares)
    lacking = unrecorded(goldens)
    if lacking and CheckName.EXPLAIN in by_requests:
        findings[CheckName.EXPLAIN] = lacking
    return Outline(
        results=_in_order(checks, findings),
        open_checks=tuple(check for check in by_requests if check not in findings),
        requests=tuple(GoldenRequest.of(number, golden) for number, golden in enumerate(goldens)),
        tolerance=tolerance,
        floor=floor_of(goldens),
        rows=sum(len(golden.predictions) for golden in goldens),
        shares=shares,
    )


def comparison(
    check: CheckName, reply: Reply, request: GoldenRequest, *, tolerance: float, floor: float
) -> Comparison:
    """What one reply amounts to."""
    golden = golden_in(request.recorded)
    if check is CheckName.EXPLAIN:
        return explained(reply, golden, request.number, tolerance)
    return compared(reply, golden, request.number, floor)


def concluded(check: CheckName, outline: Outline, comparisons: Sequence[Comparison]) -> CheckResult:
    """The result of a check that was open; fewer comparisons than requests if it was interrupted."""
    requests, tolerance = len(outline.requests), outline.tolerance
    if check is CheckName.EXPLAIN:
        faults = [one for one in comparisons if not isinstance(one, Difference)]
        finding = explain_finding(faults, requests, outline.rows, tolerance)
    else:
        differences = [one for one in comparisons if one is not None]
        finding = golden_finding(differences, requests, tolerance)
    return finding.by(check)


def judged(
    checks: Collection[CheckName], expected: Expected, replies: Replies
) -> tuple[CheckResult, ...]:
    """One result per check, in the order of `CheckName`, where all replies are there already."""
    outline = outline_of(checks, expected, replies.manifest)
    results = list(outline.results)
    for check in outline.open_checks:
        given = replies.explanations if check is CheckName.EXPLAIN else replies.predictions
        comparisons = [
            comparison(check, reply, request, tolerance=outline.tolerance, floor=outline.floor)
            for request, reply in zip(outline.requests, given, strict=False)
        ]
        results.append(concluded(check, outline, comparisons))
    return in_order(results)


def in_order(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Results in the order of `CheckName`."""
    by_name = {result.name: result for result in results}
    return tuple(by_name[check] for check in CheckName if check in by_name)


def _in_order(
    checks: Collection[CheckName], findings: Mapping[CheckName, Finding]
) -> tuple[CheckResult, ...]:
    return in_order(finding.by(check) for check, finding in findings.items() if check in checks)
