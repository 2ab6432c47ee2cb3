"""The table of a pod template's fields, made from the OpenAPI of an API server.

`make pod-fields` writes the module `davylamp.api.template.fields` from what the local cluster
says.
"""

import json
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

ROOT = "PodTemplateSpec"
SCALARS = {"Quantity": "quantity", "IntOrString": "int-or-string", "Time": "string"}
KEPT = {"ObjectMeta": {"labels", "annotations"}}
"""All that a template says of its pods; the rest is what the API server says of an object."""
LEFT_OUT = {"PodSpec": {"ephemeralContainers"}}
"""Fields that a pod has and a template cannot have."""
ALTERNATIVES = {"Probe": "Action", "LifecycleHandler": "Action", "EnvVarSource": "Selector"}
"""Types that hold one of several, which their schema does not say, by how the types of those end."""
ONE_OF = {"EnvVar": {"value", "valueFrom"}}
HEADER = '''\
"""Fields of a pod template and how Kubernetes merges them. Generated: `make pod-fields`.

One line for each type. A bare word is a field of text, `f=[T]k` a list of T whose items are told
apart by k (`k:v` where v is what k is when absent), `f=[T]` a list that is one value, `f={T}` a map,
`|` one of several fields of which an object may have only one. An integer has 32 bits, a long 64.
The definition of a ModelDeployment is made of the same table: what is not in it, no overlay holds.
"""

from typing import Final

VERSION: Final = "{version}"
"""Of Kubernetes."""
FIELDS: Final = """
'''


def shape_name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1].rsplit(".", 1)[-1]


def reference(node: dict[str, Any]) -> str | None:
    """The type that a field refers to."""
    inner = [node, *node.get("allOf", [])]
    return next((part["$ref"].rsplit("/", 1)[-1] for part in inner if "$ref" in part), None)


def spelled(node: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A field's shape in the language of the table."""
    if target := reference(node):
        name = shape_name(target)
        return SCALARS.get(name, name)
    if node.get("type") == "array":
        return f"[{spelled(node['items'], schemas)}]{list_keys(node, schemas)}"
    if "additionalProperties" in node:
        return f"{{{spelled(node['additionalProperties'], schemas)}}}"
    return "long" if node.get("format") == "int64" else node.get("type", "any")


def properties(full: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """The fields of a type that an overlay may have."""
    name, fields = shape_name(full), schemas[full].get("properties", {})
    kept = KEPT.get(name, fields.keys()) - LEFT_OUT.get(name, set())
    return {field: node for field, node in fields.items() if field in kept}


def list_keys(node: dict[str, Any], schemas: dict[str, Any]) -> str:
    keys = node.get("x-kubernetes-list-map-keys", [])
    item = schemas[reference(node["items"]) or ""] if keys else {}
    defaults = {key: item["properties"][key].get("default") for key in keys}
    return ",".join(f"{key}:{default}" if default else key for key, default in defaults.items())


def unions(schemas: dict[str, Any]) -> dict[str, set[str]]:
    """Fields of which an object has only one, by its type."""
    members = {name: set(fields) for name, fields in ONE_OF.items()}
    for full, schema in schemas.items():
        fields = schema.get("properties", {})
        if ending := ALTERNATIVES.get(shape_name(full)):
            alternatives = {f for f, n in fields.items() if (reference(n) or "").endswith(ending)}
            members[shape_name(full)] = alternatives
        for node in fields.values():
            # a list that is merged with "retainKeys" has items of which only the last source counts
            if "retainKeys" in node.get("x-kubernetes-patch-strategy", ""):
                target = reference(node["items"]) or ""
                keys = set(node["x-kubernetes-list-map-keys"])
                members[shape_name(target)] = set(schemas[target]["properties"]) - keys
    return members


def types(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each type below a pod template with the shapes of its fields."""
    schemas = openapi["components"]["schemas"]
    one_of = unions(schemas)
    waiting = [f"io.k8s.api.core.v1.{ROOT}"]
    done: set[str] = set()
    while waiting:
        full = waiting.pop(0)
        name = shape_name(full)
        fields = properties(full, schemas)
        if full in done or name in SCALARS or not fields:
            continue
        done.add(full)
        shapes = {field: spelled(node, schemas) for field, node in fields.items()}
        members = one_of.get(name, set())
        yield name, {f: f"{s}|" if f in members else s for f, s in sorted(shapes.items())}
        for node in fields.values():
            values = node.get("items") or node.get("additionalProperties") or node
            waiting += [target for target in [reference(values)] if target]


def lines(openapi: dict[str, Any]) -> str:
    """The table."""
    result = []
    for name, fields in sorted(types(openapi)):
        words = [f if shape == "string" else f"{f}={shape}" for f, shape in fields.items()]
        result += textwrap.wrap(
            f"{name}: {' '.join(words)}",
            width=100,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "".join(f"{line}\n" for line in result)


def module(openapi: dict[str, Any]) -> str:
    """The module as it is checked in."""
    return f'{HEADER.replace("{version}", version(openapi))}{lines(openapi)}"""\n'


def version(openapi: dict[str, Any]) -> str:
    """Major and minor of Kubernetes, such as 1.35."""
    return ".".join(openapi["info"]["version"].lstrip("v").split(".")[:2])


if __name__ == "__main__":
    sys.stdout.write(module(json.load(sys.stdin)))
