"""What users read of a decision, and what is wrong with a sentence."""

import re
from collections.abc import Iterator

from davylamp.rollout import Decision
from davylamp.rollout.wording import RESOURCE

DIALECT = {
    "the short name of another resource": r"\bmd\b",
    "not the field's word for a rollback": r"\btak(?:e[sn]?|ing)\b.*\bback\b|\brevert",
    "a user is no unnamed somebody": r"\b(?:a person|somebody|people)\b",
    "dialect": r"\b(?:unwatched|unchecked|gives way|all the same|otherwise than|no more\b)",
    "an attempt is no turn": r"\bturn\b",
    "a placeholder": r"\bNAME\b|\bNone\b",
    "one has no plural": r"\b1 (?:pods|replicas|canary pods)\b(?! ready)",
}
_COMMAND = re.compile(r"kubectl [^`]*")


def sentences_of(decision: Decision) -> Iterator[str]:
    """Notices, conditions, and what is remembered of rejections."""
    yield from (notice.message for notice in decision.notices)
    yield from (condition.message for condition in decision.status.conditions)
    yield from (rejection.message for rejection in decision.status.rejected)


def faults_of(sentence: str) -> list[str]:
    """Why a sentence should not be read at three in the morning."""
    faults = [fault for fault, pattern in DIALECT.items() if re.search(pattern, sentence)]
    if sentence.count("`") % 2 or sentence.count("kubectl") != sentence.count("`kubectl "):
        faults.append("a command that does not stand between backticks")
    annotating = [c for c in _COMMAND.findall(sentence) if c.startswith("kubectl annotate")]
    if any(f" {RESOURCE}/" not in command for command in annotating):
        faults.append("a command that leaves the resource to kubectl")
    return faults
