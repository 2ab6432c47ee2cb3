"""The trained pipeline on disk: skops, never pickle, with bytes that follow from the model only."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import skops.io
from sklearn.pipeline import Pipeline

# The only type beyond the loader's own safe list that this pipeline is made of.
TRUSTED = ("numpy.dtype",)
SCHEMA = "schema.json"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def save(pipeline: Pipeline, path: Path) -> None:
    """Writes the pipeline; the same pipeline gives the same bytes."""
    path.write_bytes(canonical(skops.io.dumps(pipeline)))


def load(path: Path) -> Pipeline:
    """Reads a pipeline that holds trusted types only.

    Raises:
        ValueError: the file holds a type that is not on the list.
        TypeError: the file holds something else than a pipeline.
    """
    found = set(skops.io.get_untrusted_types(file=path))
    if not found <= set(TRUSTED):
        raise ValueError(f"{path.name} holds untrusted types: {sorted(found - set(TRUSTED))}")
    pipeline = skops.io.load(path, trusted=list(TRUSTED))
    if not isinstance(pipeline, Pipeline):
        raise TypeError(f"{path.name} holds a {type(pipeline).__name__}, not a pipeline")
    return pipeline


def canonical(archive: bytes) -> bytes:
    """The same skops archive without what differs from run to run.

    skops names objects and array files by their memory address and the archive carries the time of
    day. Both are replaced: numbers in order of appearance, and the first date a zip can hold.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        files = {name: source.read(name) for name in source.namelist()}
    schema = json.loads(files.pop(SCHEMA))
    renamed = _renumber(schema)
    files = {renamed[name]: content for name, content in files.items()}
    files[SCHEMA] = json.dumps(schema, indent=1, sort_keys=True).encode()
    return _archive(files)


def _renumber(schema: dict[str, Any]) -> dict[str, str]:
    """Renumbers the nodes in place; returns the new name of every array file."""
    numbers: dict[int, int] = {}
    renamed: dict[str, str] = {}
    for node in _nodes(schema):
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if "file" in node:
            node["file"] = renamed.setdefault(node["file"], f"array-{len(renamed) + 1}.npy")
    return renamed


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for key in sorted(value):
            yield from _nodes(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name in sorted(files):
            target.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), files[name])
    return buffer.getvalue()
