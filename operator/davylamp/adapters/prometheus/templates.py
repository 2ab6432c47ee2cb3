"""Users' own PromQL with variables: `{{ pods }}` stands for a value, and can be nothing more.

Values are put into strings only, escaped for the quotes around them, so that no name of anything
can end the string and add to the query. Only `interval`, a duration, may stand outside of quotes,
as in `rate(errors_total[{{ interval }}])`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

VARIABLES: Final = frozenset(
    {
        "namespace",
        "model",
        "revision",
        "pods",
        "stableRevision",
        "stablePods",
        "candidateRevision",
        "candidatePods",
        "interval",
    }
)
_ANYWHERE: Final = frozenset({"interval"})
_DURATION: Final = re.compile(r"([0-9]+(ms|[smhdwy]))+")
_VARIABLE: Final = re.compile(r"\{\{([^{}]*)\}\}")
_PIECE: Final = re.compile(
    r"""
    "(?:[^"\\]|\\.)*(?:"|\\?\Z)    # strings end at their quote, or where the text ends
  | '(?:[^'\\]|\\.)*(?:'|\\?\Z)
  | `[^`]*(?:`|\Z)
  | \#[^\n]*
  | [^"'`#]+
    """,
    re.DOTALL | re.VERBOSE,
)

Put: TypeAlias = Callable[[str, str], str]
"""Text for a variable's name, given the quote of the string it stands in.

"" outside of quotes, "#" in a comment, a backslash where one would swallow the value's first letter.
"""


def render(promql: str, variables: Mapping[str, str]) -> str:
    """The query with its variables replaced.

    Args:
        promql: what the user wrote.
        variables: values by name.

    Raises:
        ValueError: a variable is unknown or stands where it must not, or a value has no way to be
            written there.
    """
    check(promql)
    return _replaced(promql, lambda name, quote: _written(name, _value(name, variables), quote))


def check(promql: str) -> None:
    """Refuse unknown variables, and those that stand outside of quotes."""
    for name, quote in _variables(promql):
        if name not in VARIABLES:
            known = ", ".join(sorted(VARIABLES))
            raise ValueError(f"{{{{ {name[:40]} }}}} is no variable; there are: {known}")
        if not quote and name not in _ANYWHERE:
            raise ValueError(f"{{{{ {name} }}}} belongs inside quotes")
        if quote == "\\":
            raise ValueError(f"{{{{ {name} }}}} must not follow a backslash")


def _variables(promql: str) -> list[tuple[str, str]]:
    """The variables of a query, known or not, with the quotes of the strings they stand in."""
    variables = list[tuple[str, str]]()

    def note(name: str, quote: str) -> str:
        variables.append((name, quote))
        return ""

    _replaced(promql, note)
    return variables


def _replaced(promql: str, put: Put) -> str:
    def in_piece(piece: re.Match[str]) -> str:
        return _VARIABLE.sub(
            lambda variable: put(variable.group(1).strip(), _quote(variable)), piece.group()
        )

    return _PIECE.sub(in_piece, promql)


def _quote(variable: re.Match[str]) -> str:
    piece, before = variable.string, variable.string[: variable.start()]
    backslashes = len(before) - len(before.rstrip("\\"))
    if piece[0] in "\"'" and backslashes % 2:
        return "\\"
    return piece[0] if piece[0] in "\"'`#" else ""


def _value(name: str, variables: Mapping[str, str]) -> str:
    if name not in variables:
        raise ValueError(f"{{{{ {name} }}}} has no value here")
    return variables[name]


def _written(name: str, value: str, quote: str) -> str:
    if name in _ANYWHERE and not _DURATION.fullmatch(value):
        raise ValueError(f"{name} is no duration: {value!r}")
    if quote == "`":
        if "`" in value:
            raise ValueError(f"{name} cannot be written between backquotes: use double quotes")
        return value
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return escaped.replace(quote, f"\\{quote}") if quote else escaped
