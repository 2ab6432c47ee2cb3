"""Parts of sentences: revisions that cannot be mixed up, and commands that can be copied as they are."""

import json
from typing import Final

from davylamp.api.names import GROUP, PLURAL, Command
from davylamp.api.status import RevisionRef
from davylamp.schema.json import JsonObject

RESOURCE: Final = f"{PLURAL.removesuffix('s')}.{GROUP}"
"""The full name for kubectl, which silently prefers other resources' short names."""


def named(ref: RevisionRef, *others: RevisionRef | None) -> str:
    """A revision by its tag; with its name too where one of `others` has the same tag."""
    same = any(o is not None and o.tag == ref.tag and o.revision != ref.revision for o in others)
    return named_in_full(ref) if same else ref.tag


def named_in_full(ref: RevisionRef) -> str:
    """A revision by tag and name."""
    return f"{ref.tag} (revision {ref.revision})"


def pair(first: RevisionRef, second: RevisionRef | None) -> tuple[str, str]:
    """Two revisions of one sentence; the second is `nothing` where there is none."""
    return named(first, second), named(second, first) if second else "nothing"


def kubectl(arguments: str, namespace: str) -> str:
    """A command for a shell; without a namespace it is that of the reader's context."""
    where = f" -n {namespace}" if namespace else ""
    return f"`kubectl {arguments}{where}`"


def with_command(message: str, arguments: str, namespace: str) -> str:
    """A sentence about a pod that may go soon, and the command that shows what it said itself."""
    if not arguments:
        return message
    return f"{message}; while the pod is there, see {kubectl(arguments, namespace)}"


def annotate(name: str, namespace: str, command: Command, value: str) -> str:
    """The kubectl command that gives a ModelDeployment a command."""
    return kubectl(f"annotate --overwrite {RESOURCE}/{name} {command}={value}", namespace)


def merge_patch(name: str, namespace: str, patch: JsonObject) -> str:
    """The kubectl command that changes some fields of a ModelDeployment."""
    content = json.dumps(patch, separators=(",", ":"))
    return kubectl(f"patch {RESOURCE}/{name} --type merge -p '{content}'", namespace)


def counted(number: int, noun: str) -> str:
    """A number of things: `1 pod`, `2 pods`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
