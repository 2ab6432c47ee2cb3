"""Reads the commands on a ModelDeployment: which there are, and which a manifest declares. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from davylamp.api.names import SPEC_BY, Command
from davylamp.schema.json import JsonObject, entries, field, section, text
from davylamp.schema.weight import Budget, read_json

LONGEST_NAME: Final = 100
"""Characters of a user's name that are kept: it may be anything."""
_NOT_OF_A_NAME: Final = re.compile(r"[^\w@.:+/#%=~-]")
_BUDGET: Final = Budget(300 * 1024, 64, 20_000)
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def commands_in(parent: JsonObject) -> dict[Command, str]:
    """Command annotations of a ModelDeployment."""
    values = section(parent, "metadata", "annotations")
    given = {command: values.get(command.value) for command in Command}
    return {command: value for command, value in given.items() if isinstance(value, str)}


def users_in(parent: JsonObject) -> dict[Command, str]:
    """Who gave each command, where a name stands beside it.

    To be believed only where an admission policy lets nobody write the name of somebody else. A name
    repeats the value of its command, so that one which was left behind is about no other command.
    """
    annotations = section(parent, "metadata", "annotations")
    given = (
        (command, value, annotations.get(command.beside))
        for command, value in commands_in(parent).items()
    )
    return {
        command: _name(beside[len(value) + 1 :])
        for command, value, beside in given
        if isinstance(beside, str)
        and beside.startswith(f"{value} ")
        and len(beside) > len(value) + 1
    }


def author_in(parent: JsonObject) -> str | None:
    """Who wrote the spec as it is, where that is said; to be believed as `users_in` is."""
    words = section(parent, "metadata", "annotations").get(SPEC_BY)
    generation, _, name = words.partition(" ") if isinstance(words, str) else ("", "", "")
    is_present = generation == str(field(parent, "metadata", "generation"))
    return _name(name) if name and is_present else None


def _name(text: str) -> str:
    """One short word, whatever a user is called."""
    return _NOT_OF_A_NAME.sub("?", text[:LONGEST_NAME])


def declared_in(parent: JsonObject) -> frozenset[Command]:
    """Commands that an applied manifest has: by `kubectl apply`, or by server-side apply.

    Whoever applies it (Argo CD, Flux) puts them back when they are taken off, so these are no words
    that somebody said just now.
    """
    commands = commands_in(parent)
    if not commands:
        return frozenset()
    applied = _last_applied(parent)
    owned = set(_owned_by_apply(parent))
    return frozenset(
        command
        for command, value in commands.items()
        if command.value in owned or applied.get(command.value) == value
    )


def _last_applied(parent: JsonObject) -> JsonObject:
    """Annotations of the manifest that was applied last on the client's side; whoever may patch writes it."""
    applied = text(parent, "metadata", "annotations", LAST_APPLIED)
    try:
        manifest = read_json(applied.encode(), _BUDGET) if applied else None
    except ValueError:
        return {}
    return section(manifest, "metadata", "annotations")


def _owned_by_apply(parent: JsonObject) -> Iterator[str]:
    """Annotations that belong to a manager of server-side apply."""
    for entry in entries(parent, "metadata", "managedFields"):
        if field(entry, "operation") == "Apply":
            fields = section(entry, "fieldsV1", "f:metadata", "f:annotations")
            yield from (name.removeprefix("f:") for name in fields)
