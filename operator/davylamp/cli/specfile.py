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
        UsageError: it cannot be read.
    """
    if path == STDIN:
        return sys.stdin.read()
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "not UTF-8"
        raise UsageError(f"{path}: cannot be read: {reason}") from wrong


def read_spec(path: str) -> ModelDeploymentSpec:
    """The spec of the ModelDeployment in a file; other documents beside it are passed over.

    Raises:
        UsageError: the file holds none, or one that the API would refuse; names file and field.
    """
    documents = parsed(path, read_text(path))
    found = [each for each in documents if isinstance(each, dict) and each.get("kind") == KIND]
    if not found:
        raise UsageError(f"{path}: there is no {KIND} in it")
    if "spec" not in found[0]:
        raise UsageError(f"{path}: spec: Field required")
    return checked(ModelDeploymentSpec, found[0]["spec"], f"{path}: spec")


def parsed(path: str, text: str) -> list[object]:
    """The documents of a YAML text.

    Raises:
        UsageError: it is no YAML; names the line.
    """
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(wrong, "problem", None) or "no YAML"
        raise UsageError(f"{path}{line}: {problem}") from wrong


def checked(model: type[_Model], told: object, where: str) -> _Model:
    """A model of the API from what was told.

    Raises:
        UsageError: it is not valid; names each field as it is written in YAML.
    """
    try:
        return model.model_validate(told)
    except ValidationError as wrong:
        problems = [f"{where}{_path(each['loc'])}: {each['msg']}" for each in wrong.errors()]
        raise UsageError("\n".join(problems)) from wrong


def _path(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
