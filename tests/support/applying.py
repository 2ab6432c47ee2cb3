"""Server-side apply on plain objects, for one manager: merging, ownership, defaults, immutability.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

import copy
from decimal import Decimal
from typing import Any

from davylamp.adapters.errors import Terminal

Json = Any
ATOMIC = frozenset({"selector"})
KEYS = ("name", "uid", "mountPath", "containerPort", "port")


def applied(stored: Json, before: Json, manifest: Json) -> Json:
    """The stored object after `manifest` is applied by the manager that applied `before`."""
    result = copy.deepcopy(stored)
    _let_go(result, before, manifest)
    return _merged(result, manifest)


def defaulted(item: Json) -> Json:
    """The object with what an API server fills in, and in its spelling."""
    spec = item.get("spec")
    if item["kind"] == "Service":
        spec.setdefault("clusterIP", f"10.0.0.{len(item['metadata']['name'])}")
        spec.setdefault("sessionAffinity", "None")
    if item["kind"] == "Deployment":
        spec.setdefault("strategy", {"type": "RollingUpdate"})
        spec.setdefault("progressDeadlineSeconds", 600)
        pod = spec["template"]["spec"]
        pod.setdefault("restartPolicy", "Always")
        for container in pod["containers"]:
            container.setdefault("terminationMessagePath", "/dev/termination-log")
            for side in container.get("resources", {}).values():
                side.update({key: canonical(value) for key, value in side.items()})
    return item


def canonical(quantity: str | int) -> str:
    """`1000m` as `1` and `0.5` as `500m`; other units as they are."""
    text = str(quantity)
    if text[-1].isalpha() and not text.endswith("m"):
        return text
    thousandths = Decimal(text[:-1]) if text.endswith("m") else Decimal(text) * 1000
    whole, rest = divmod(thousandths, 1000)
    return f"{thousandths.normalize():f}m" if rest else f"{whole:f}"


def refuse_changes_of_what_is_immutable(known: Json, item: Json) -> None:
    """Raise what the API server answers to a write that may not be."""
    where = f"apply {item['kind']} {item['metadata']['name']}: 422"
    frozen = item["kind"] == "ControllerRevision" or known.get("immutable")
    if frozen and known.get("data") != item.get("data"):
        raise Terminal("Invalid", f"{where} data: field is immutable")
    selectors = [each.get("spec", {}).get("selector") for each in (known, item)]
    if item["kind"] == "Deployment" and selectors[0] != selectors[1]:
        raise Terminal("Invalid", f"{where} spec.selector: field is immutable")


def _merged(stored: Json, ours: Json) -> Json:
    if isinstance(stored, dict) and isinstance(ours, dict):
        result = dict(stored)
        for key, value in ours.items():
            same = key not in ATOMIC and key in stored
            result[key] = _merged(stored[key], value) if same else copy.deepcopy(value)
        return result
    if _associative(stored) and _associative(ours):
        kept = {_key(item): item for item in stored}
        for item in ours:
            key = _key(item)
            kept[key] = _merged(kept[key], item) if key in kept else copy.deepcopy(item)
        return list(kept.values())
    return copy.deepcopy(ours)


def _let_go(stored: Json, before: Json, manifest: Json) -> None:
    """Remove what the manager named before and names no more."""
    if isinstance(stored, dict) and isinstance(before, dict) and isinstance(manifest, dict):
        for key in before:
            if key not in manifest:
                stored.pop(key, None)
            elif key not in ATOMIC:
                _let_go(stored.get(key), before[key], manifest[key])
    elif _associative(stored) and _associative(before) and _associative(manifest):
        named = {_key(item): item for item in manifest}
        gone = {_key(item) for item in before} - set(named)
        stored[:] = [item for item in stored if _key(item) not in gone]
        earlier = {_key(item): item for item in before}
        for item in stored:
            key = _key(item)
            if key in earlier and key in named:
                _let_go(item, earlier[key], named[key])


def _associative(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(i, dict) and _key(i) for i in value)


def _key(item: Json) -> Any:
    return next(((key, item[key]) for key in KEYS if key in item), None)
