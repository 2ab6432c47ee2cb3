"""Merges a user's overlay into a generated pod template, as Kubernetes merges a patch of its own.

The rules are those of strategic merge, read from the API server's own schema: objects merge by key,
lists by the fields that tell their items apart, other lists and plain values are replaced, and of a
probe's handlers or a volume's sources the overlay's replaces ours. `$overlay: delete` and
`$overlay: replace` take away or replace, also where `kubectl apply` would drop a null.
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from davylamp.api.template import (
    DIRECTIVE,
    POD_TEMPLATE,
    SHAPES,
    VERSION,
    FieldShape,
    ListKey,
)
from davylamp.manifests.overlay.bounds import check_bounds
from davylamp.manifests.overlay.refused import ROOT, below, named, refuse
from davylamp.manifests.overlay.scalars import checked_scalar, kind_of
from davylamp.schema.json import Json, JsonObject

ShapeOf: TypeAlias = Callable[[str], FieldShape | None]
"""The shape of a field by its name; None for one that is not in the table."""


def merged(base: JsonObject, overlay: JsonObject) -> JsonObject:
    """A pod template with an overlay.

    Raises:
        TemplateRefused: with the path of a value that cannot be merged.
    """
    check_bounds(overlay)
    return _object(base, overlay, SHAPES[POD_TEMPLATE].get, ROOT)


def _object(base: JsonObject, overlay: JsonObject, shape_of: ShapeOf, path: str) -> JsonObject:
    directive = overlay.get(DIRECTIVE, "merge")
    if directive not in ("merge", "replace"):  # a tuple: it may be anything
        refuse(below(path, DIRECTIVE), "must be delete or replace")
    changes = {key: change for key, change in overlay.items() if key != DIRECTIVE}
    result = {} if directive == "replace" else _base_for(changes, base, shape_of)
    for key, change in changes.items():
        place = below(path, key)
        if key.startswith("$"):
            refuse(place, "is no directive here: only $overlay: delete and $overlay: replace are")
        if _removes(change):
            result.pop(key, None)
        else:
            result[key] = _value(result.get(key), change, _known(shape_of(key), place), place)
    return result


def _known(shape: FieldShape | None, path: str) -> FieldShape:
    if shape is None:
        refuse(path, f"is no field of a pod template, as Kubernetes {VERSION} knows it")
    return shape


def _base_for(changes: JsonObject, base: JsonObject, shape_of: ShapeOf) -> JsonObject:
    """Our part of an object, without the alternatives to what the overlay chose."""

    def is_alternative(key: str) -> bool:
        shape = shape_of(key)
        return shape is not None and shape.is_alternative

    chosen = {key for key in changes if is_alternative(key) and not _removes(changes[key])}
    dropped = {key for key in base if chosen and key not in chosen and is_alternative(key)}
    return {key: value for key, value in base.items() if key not in dropped}


def _removes(change: Json) -> bool:
    return change is None or (isinstance(change, dict) and change.get(DIRECTIVE) == "delete")


def _value(base: Json, change: Json, shape: FieldShape, path: str) -> Json:
    if shape.is_list:
        items = _items(change, path)
        if shape.keys:
            return _keyed(base if isinstance(base, list) else [], items, shape, path)
        return _replaced(items, shape, path)
    if shape.is_map or shape.of in SHAPES:
        if not isinstance(change, dict):
            refuse(path, f"must be an object, not {kind_of(change)}")
        shape_of = (lambda _: shape.item) if shape.is_map else SHAPES[shape.of].get
        return _object(base if isinstance(base, dict) else {}, change, shape_of, path)
    return checked_scalar(change, shape.of, path)


def _items(change: Json, path: str) -> list[Json]:
    """The items of a list that is not merged, or is to be."""
    if not isinstance(change, list):
        refuse(path, f"must be a list, not {kind_of(change)}")
    return change


def _replaced(items: list[Json], shape: FieldShape, path: str) -> list[Json]:
    """A list that is one value."""
    result: list[Json] = []
    for position, item in enumerate(items):
        place = named(path, position)
        if isinstance(item, dict) and _removes(item):
            refuse(place, "cannot be taken out alone: this list is one value, write all its items")
        if item != _REPLACES:
            result.append(_value(None, item, shape.item, place))
    return result


def _keyed(base: list[Json], items: list[Json], shape: FieldShape, path: str) -> list[Json]:
    """A list merged by the fields that tell its items apart: ours first, then what is new."""
    shape_of = SHAPES[shape.of].get
    result: dict[tuple[Json, ...], Json] = {}
    if _REPLACES not in items:
        result = {_key(item, shape, path): item for item in base if isinstance(item, dict)}
    done: set[tuple[Json, ...]] = set()
    for position, item in enumerate(items):
        place = named(path, position)
        if item == _REPLACES:
            continue
        if not isinstance(item, dict):
            refuse(place, f"must be an object, not {kind_of(item)}")
        key = _key(item, shape, place)
        if key in done:
            refuse(place, f"is there twice: {_spoken_key(key, shape.keys)}")
        done.add(key)
        if _removes(item):
            result.pop(key, None)
            continue
        ours = result.get(key)
        place = named(path, str(key[0])) if shape.keys[0].field == "name" else place
        result[key] = _object(ours if isinstance(ours, dict) else {}, item, shape_of, place)
    return list(result.values())


_REPLACES: Final[JsonObject] = {DIRECTIVE: "replace"}
"""Among the items of a list: the others are all that there is."""


def _key(item: JsonObject, shape: FieldShape, path: str) -> tuple[Json, ...]:
    """What tells an item of a list apart from the others."""
    return tuple(_key_part(item, key, shape, path) for key in shape.keys)


def _key_part(item: JsonObject, key: ListKey, shape: FieldShape, path: str) -> Json:
    value = item.get(key.field, key.default)
    place = below(path, key.field)
    if value is None or value == "":
        refuse(place, f"is missing: it tells the items of this list apart{_hint(shape)}")
    return checked_scalar(value, SHAPES[shape.of][key.field].of, place)


def _hint(shape: FieldShape) -> str:
    return "; the model's container is called model" if shape.of == "Container" else ""


def _spoken_key(key: tuple[Json, ...], keys: tuple[ListKey, ...]) -> str:
    return ", ".join(f"{k.field} {value}" for k, value in zip(keys, key, strict=True))
