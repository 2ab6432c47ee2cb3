"""What users read of a decision, and what is wrong with a sentence."""

import json
import re
import shlex
from collections.abc import Callable, Iterator

from davylamp.api.names import Command
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
    yield from (answer.message for answer in decision.status.commands)


def commands_of(sentence: str) -> list[list[str]]:
    """The commands of a sentence as a shell would take them apart."""
    return [shlex.split(command) for command in _COMMAND.findall(sentence)]


def _annotates(arguments: list[str]) -> bool:
    option, resource, annotation = arguments
    command, _, value = annotation.partition("=")
    named = re.fullmatch(r"[a-z0-9]+(@\d+)?", value) is not None
    is_ours = resource.startswith(f"{RESOURCE}/") and command in list(Command)
    return option == "--overwrite" and named and is_ours


def _patches(arguments: list[str]) -> bool:
    resource, *options, content = arguments
    is_ours = resource.startswith(f"{RESOURCE}/") and options == ["--type", "merge", "-p"]
    return is_ours and set(json.loads(content)) == {"spec"}


VERBS: dict[str, Callable[[list[str]], bool]] = {
    "annotate": _annotates,
    "patch": _patches,
    "delete": lambda a: a[:2] == ["pod", "--force"] and len(a) == 3,
    "describe": lambda a: 1 <= len(a) <= 3,
    "create": lambda a: a[0] == "job" and a[1].startswith("--from=cronjob/") and len(a) == 4,
    "get": bool,
    "logs": bool,
}
"""What messages tell people to type, and whether kubectl would understand it."""


def is_pasteable(words: list[str]) -> bool:
    """Whether a command works as it is printed, from any context: its verb, object and namespace."""
    _, verb, *arguments = words
    if arguments[-2:-1] != ["-n"] or verb not in VERBS:
        return False
    return VERBS[verb](arguments[:-2])


def faults_of(sentence: str) -> list[str]:
    """Why a sentence should not be read at three in the morning."""
    faults = [fault for fault, pattern in DIALECT.items() if re.search(pattern, sentence)]
    if sentence.count("`") % 2 or sentence.count("kubectl") != sentence.count("`kubectl "):
        faults.append("a command that does not stand between backticks")
    annotating = [c for c in _COMMAND.findall(sentence) if c.startswith("kubectl annotate")]
    if any(f" {RESOURCE}/" not in command for command in annotating):
        faults.append("a command that leaves the resource to kubectl")
    if not faults and not all(map(is_pasteable, commands_of(sentence))):
        faults.append("a command that does not work as it is printed")
    return faults
