"""Reading a ModelDeployment from a YAML file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.cli.errors import UsageError

KIND: Final = "ModelDeployment"
STDIN: Final = "-"
_Model = TypeVar("_Model", bound=BaseModel)


def read_text(path: str) -> str:
    """The text of a file, or of standard input for `-`.

    Raises:
        UsageError: it cannot be read, or is not UTF-8.
    """
    if path == STDIN:
        return sys.stdin.read()
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UsageError(f"{path}: cannot be read: {reason}") from error


def read_spec(path: str) -> ModelDeploymentSpec:
    """The spec of the first ModelDeployment in a file; other documents in it are ignored.

    Raises:
        UsageError: there is none, or the API would refuse it; names file and field.
    """
    documents = parsed(path, read_text(path))
    items = (item for item in documents if isinstance(item, dict) and item.get("kind") == KIND)
    deployment = next(items, None)
    if deployment is None:
        raise UsageError(f"{path}: no {KIND} in this file")
    if "spec" not in deployment:
        raise UsageError(f"{path}: spec: Field required")
    return checked(ModelDeploymentSpec, deployment["spec"], f"{path}: spec")


def parsed(path: str, text: str) -> list[object]:
    """The documents of a YAML text.

    Raises:
        UsageError: it is not valid YAML; names the line.
    """
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise UsageError(f"{path}{line}: {problem}") from error


def checked(model: type[_Model], value: object, where: str) -> _Model:
    """A value as a model of the API; `where` is how messages name its place.

    Raises:
        UsageError: it is not valid; names every wrong field as it is written in YAML.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [f"{where}{_path(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise UsageError("\n".join(problems)) from error


def _path(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
