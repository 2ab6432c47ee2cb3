"""Why an overlay cannot be followed, with the path of what is wrong."""

import re
from typing import Final, NoReturn

from davylamp.schema.text import printable

ROOT: Final = "spec.serving.template"
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LONGEST_KEY: Final = 80


class TemplateRefused(ValueError):  # noqa: N818 - named by what happened
    """The overlay of a spec cannot be merged, or takes away what a model cannot do without."""

    def __init__(self, path: str, sentence: str) -> None:
        super().__init__(f"{path}: {sentence}")


def refuse(path: str, sentence: str) -> NoReturn:
    """Give up with the path of what is wrong and what to write instead."""
    raise TemplateRefused(path, sentence)


def below(path: str, key: str) -> str:
    """The path of a field."""
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else named(path, key)


def named(path: str, item: str | int) -> str:
    """The path of an item of a list by its name or position, or of a key that is no plain word."""
    return f"{path}[{printable(str(item)[:_LONGEST_KEY], instead='?')}]"
