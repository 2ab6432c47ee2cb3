"""One inspection of one pod: what to ask after the manifest, and what the replies mean."""

from collections.abc import Collection

from davylamp.api.spec import CheckName
from davylamp.checks.bias import judge_bias
from davylamp.checks.expected import Expected
from davylamp.checks.explain import judge_explain
from davylamp.checks.golden import judge_golden
from davylamp.checks.manifest import document_of, judge_manifest
from davylamp.checks.reading import MalformedError
from davylamp.checks.recorded import golden_of, tolerance_of
from davylamp.checks.replies import Questions, Replies, Reply
from davylamp.checks.results import CheckReason, CheckResult, Finding, failed
from davylamp.schema.json import JsonObject

MANIFEST_PATH = "/manifest"
PREDICT_PATH = "/predict"
EXPLAIN_PATH = "/explain"


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


def judged(
    checks: Collection[CheckName], expected: Expected, replies: Replies
) -> tuple[CheckResult, ...]:
    """One result per check, in the order of `CheckName`."""
    document = document_of(replies.manifest)
    return tuple(
        _judged(check, document, expected, replies).by(check)
        for check in CheckName
        if check in checks
    )


def _judged(
    check: CheckName, document: JsonObject | Finding, expected: Expected, replies: Replies
) -> Finding:
    if isinstance(document, Finding):
        return document
    match check:
        case CheckName.MANIFEST:
            return judge_manifest(document, expected)
        case CheckName.BIAS:
            return judge_bias(document)
        case CheckName.GOLDEN | CheckName.EXPLAIN:
            return _by_golden_requests(check, document, replies)


def _by_golden_requests(check: CheckName, document: JsonObject, replies: Replies) -> Finding:
    try:
        goldens, tolerance = golden_of(document), tolerance_of(document)
    except MalformedError as malformed:
        return failed(CheckReason.MANIFEST_INVALID, f"manifest: {malformed}")
    if check is CheckName.GOLDEN:
        return judge_golden(goldens, replies.predictions, tolerance)
    return judge_explain(goldens, replies.explanations, tolerance)
