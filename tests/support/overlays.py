"""Where an overlay can name a Secret, as the definition itself says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

Place = tuple[str | int, ...]
DEFINITION: Final = Path(__file__).parents[2] / "crds" / "davylamp.dev_modeldeployments.yaml"
_NAMED: Final = {"name": "licence"}
_VALUES: Final[dict[str, Any]] = {
    "secretKeyRef": {**_NAMED, "key": "x"},
    "secretRef": _NAMED,
    "nodePublishSecretRef": _NAMED,
    "secretName": "licence",
    "imagePullSecrets": [_NAMED],
}
"""What names the Secret `licence`, by the name of a field."""
_NO_NAMES: Final = frozenset({"secretFile", "secret"})
"""A path in a pod, and what holds a `secretName`."""


def fields_that_name_secrets() -> Iterator[tuple[Place, Any]]:
    """Each field of a template that can name a Secret, and a value that does."""
    definition = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in ("spec", "serving", "template"):
        schema = schema["properties"][name]
    yield from _found(schema, ())


def _found(schema: dict[str, Any], place: Place) -> Iterator[tuple[Place, Any]]:
    for name, inner in schema.get("properties", {}).items():
        here = (*place, name)
        if "secret" in name.lower():
            is_projected = name == "secret" and "sources" in place
            assert name in _VALUES or name in _NO_NAMES, f"nobody knows what {here} names"
            if name in _VALUES or is_projected:
                yield here, _VALUES.get(name, _NAMED)
        yield from _found(inner, here)
    if "items" in schema:
        yield from _found(schema["items"], (*place, 0))


def made_of(place: Place, value: Any) -> dict[str, Any]:
    """An overlay with the value in its place, and what its entries need besides."""
    made = value
    for key in reversed(place):
        made = [{"name": "model", **made}] if key == 0 and isinstance(made, dict) else made
        made = made if key == 0 else {key: made}
    return dict(made)
