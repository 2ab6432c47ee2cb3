"""Merges a user's overlay into a generated pod template."""

from davylamp.schema.json import Json, JsonObject


def merged(base: JsonObject, overlay: JsonObject) -> JsonObject:
    """`base` merged with `overlay`: objects by key, lists of objects with names by name.

    Other lists and plain values are replaced; null removes a key.
    """
    result = dict(base)
    for key, value in overlay.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _value(result.get(key), value)
    return result


def _value(base: Json, overlay: Json) -> Json:
    if isinstance(base, dict) and isinstance(overlay, dict):
        return merged(base, overlay)
    if isinstance(base, list) and isinstance(overlay, list) and overlay and _have_names(overlay):
        return _merged_by_name(base, overlay)
    return overlay


def _have_names(items: list[Json]) -> bool:
    return all(isinstance(item, dict) and "name" in item for item in items)


def _merged_by_name(base: list[Json], overlay: list[Json]) -> list[Json]:
    changes = {item["name"]: item for item in overlay if isinstance(item, dict)}
    result: list[Json] = []
    for item in base:
        change = changes.pop(item["name"], None) if isinstance(item, dict) else None
        result.append(_value(item, change) if change is not None else item)
    return [*result, *changes.values()]
