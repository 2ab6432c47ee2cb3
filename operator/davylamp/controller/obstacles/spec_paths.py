"""Which field of the spec an object's field comes from, so that a refusal names what to edit. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from davylamp.adapters.errors import Terminal
from davylamp.api.names import CONTAINER
from davylamp.schema.json import Json, JsonObject, entries, text
from davylamp.schema.kubernetes import amount_of

_TEMPLATE: Final = "spec.template."
_METADATA: Final = ("labels", "annotations")
_CONTAINER: Final = re.compile(r"^spec\.((?:initC|c)ontainers)\[([^\]]*)\]\.?(.*)$")
_AMOUNTS: Final = frozenset({"limits", "requests"})
_AMOUNT: Final = frozenset({"sizeLimit", "divisor"})


def field_of_spec(error: Terminal, sent: JsonObject | None) -> str:
    """The field of the ModelDeployment's spec that the API server refuses; empty if it is none.

    Args:
        error: its answer.
        sent: the object that was sent.
    """
    if sent is None:
        return ""
    if sent.get("kind") == "ConfigMap" and "Too long" in error.message:
        return "spec.config"
    if sent.get("kind") != "Deployment":
        return ""
    fields = error.fields or (_bad_quantities(sent) if "quantit" in error.message else ())
    first = next((name for name in fields if name.startswith(_TEMPLATE)), "")
    return _of_template(first.removeprefix(_TEMPLATE), sent) if first else ""


def _of_template(path: str, sent: JsonObject) -> str:
    match = _CONTAINER.match(path)
    if path.startswith(_METADATA):  # the API server leaves their parent out
        return f"spec.serving.template.metadata.{path}"
    if match is None:
        return f"spec.serving.template.{path}"
    group, which, rest = match.groups()
    name = _container_name(group, which, sent)
    if group == "containers" and name == CONTAINER:
        if rest == "image":
            return "spec.image"
        if rest.startswith("resources"):
            return f"spec.serving.{rest}"
    return f"spec.serving.template.spec.{group}[{name}].{rest}".rstrip(".")


def _container_name(group: str, which: str, sent: JsonObject) -> str:
    """A container by its name: the API server counts, or names by the key of the list."""
    if which.isdigit():
        containers = entries(sent, "spec", "template", "spec", group)
        return text(containers[int(which)], "name") if int(which) < len(containers) else which
    return which.removeprefix("name=").strip('"')


def _bad_quantities(sent: JsonObject) -> tuple[str, ...]:
    """Amounts that are none: the API server's answer to them names no field."""
    return tuple(_wrong_amounts(sent.get("spec"), "spec"))


def _wrong_amounts(node: Json, path: str) -> Iterator[str]:
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _wrong_amounts(item, f"{path}[{number}]")
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        where = f"{path}.{key}"
        if key in _AMOUNTS and isinstance(value, dict):
            amounts = {f"{where}.{resource}": amount for resource, amount in value.items()}
            yield from (name for name, amount in amounts.items() if amount_of(amount) is None)
        elif key in _AMOUNT:
            yield from () if amount_of(value) is not None else (where,)
        else:
            yield from _wrong_amounts(value, where)
