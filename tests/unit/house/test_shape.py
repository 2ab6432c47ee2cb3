"""The house rules over operator/: small functions and modules, small rooms, one name for one thing.

Every failure prints what offends, and where. An exception needs an entry below, with its reason.
"""

import ast
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
OPERATOR = ROOT / "operator"

LONGEST_FUNCTION = 40
LONGEST_MODULE = 300
MOST_MODULES = 12
"""Modules in one folder, besides `__init__.py`."""
VAGUE = ("each", "found", "seen", "told", "said")
MOST_VAGUE = 146
"""A tenth of the 1467 that there were once."""
KINDS = ("api/gate_kinds.py", "gates/rules.py", "gates/kinds/*.py")
"""Modules of the classes that tell gate kinds apart."""

OPEN_ROOMS = {"operator/davylamp/gates/kinds"}
"""Folders with one module for each thing that users may add, so that none is too many."""

LARGE_ROOMS: dict[str, str] = {}
"""Folders with more than twelve modules, by the reason why they are not split."""

SAME_MEANING: dict[str, str] = {}
"""Public class names that stand twice because both mean the same thing."""


class Definition(NamedTuple):
    """A function or a class, and where it stands."""

    name: str
    place: str
    lines: int


def modules(*patterns: str) -> list[Path]:
    """Modules of the operator, all or those that match."""
    package = OPERATOR / "davylamp"
    paths = {path for pattern in patterns or ("**/*.py",) for path in package.glob(pattern)}
    return sorted(paths)


def place(path: Path, line: int = 0) -> str:
    """How a failure names a file or a line in it."""
    name = path.relative_to(ROOT).as_posix()
    return f"{name}:{line}" if line else name


def listed(offenders: list[str]) -> str:
    """Offenders for a failure, one a line."""
    return "".join(f"\n  {offender}" for offender in offenders)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def definitions(path: Path, *kinds: type[ast.stmt]) -> Iterator[Definition]:
    """Functions or classes of a module; decorators do not count as lines of them."""
    for node in ast.walk(tree(path)):
        if isinstance(node, kinds):
            lines = node.end_lineno - node.lineno + 1
            yield Definition(node.name, place(path, node.lineno), lines)


def vague_names(path: Path) -> Counter[str]:
    """How often a module uses a vague name; words in texts and comments do not count."""
    with tokenize.open(path) as source:
        tokens = tokenize.generate_tokens(source.readline)
        return Counter(t.string for t in tokens if t.type == tokenize.NAME and t.string in VAGUE)


def public_classes() -> dict[str, list[str]]:
    """Places of public classes, by name."""
    places = defaultdict(list)
    for path in modules():
        for definition in definitions(path, ast.ClassDef):
            if not definition.name.startswith("_"):
                places[definition.name].append(definition.place)
    return dict(places)


def kind_names() -> set[str]:
    """Classes that gate kinds are made of."""
    return {d.name for path in modules(*KINDS) for d in definitions(path, ast.ClassDef)}


def names_in(node: ast.AST) -> set[str]:
    """The last parts of all names in a piece of code: `Query` of `rules.Query`."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def asks_for(node: ast.expr, kinds: set[str]) -> bool:
    """Whether an expression asks `isinstance` for a gate kind."""
    return any(
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Name)
        and part.func.id == "isinstance"
        and names_in(part.args[1]) & kinds
        for part in ast.walk(node)
    )


def has_default(node: ast.AST, kinds: set[str]) -> bool:
    """Whether code that tells gate kinds apart has a branch for any other kind."""
    if isinstance(node, ast.Match):
        patterns = [case.pattern for case in node.cases]
        over_kinds = any(
            isinstance(part, ast.MatchClass) and names_in(part.cls) & kinds
            for pattern in patterns
            for part in ast.walk(pattern)
        )
        return over_kinds and any(
            isinstance(case.pattern, ast.MatchAs)
            and case.pattern.pattern is None
            and not always_raises(case.body)
            for case in node.cases
        )
    if isinstance(node, ast.If):
        *_, last = (branches := list(chain_of(node)))
        asked = sum(asks_for(branch.test, kinds) for branch in branches)
        return asked > 1 and bool(last.orelse) and not always_raises(last.orelse)
    return False


def chain_of(node: ast.If) -> Iterator[ast.If]:
    """An `if` and its `elif`s."""
    yield node
    if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        yield from chain_of(node.orelse[0])


def always_raises(body: list[ast.stmt]) -> bool:
    """Whether a branch only says that it cannot be reached."""
    last = body[-1]
    if isinstance(last, ast.Expr):
        return "assert_never" in names_in(last)
    return isinstance(last, ast.Raise)


def default_branches(path: Path, kinds: set[str]) -> list[str]:
    """Places in a module where gate kinds are told apart with a default."""
    nodes = ast.walk(tree(path))
    return [place(path, node.lineno) for node in nodes if has_default(node, kinds)]


def test_functions_fit_on_a_screen():
    functions = (
        function
        for path in modules()
        for function in definitions(path, ast.FunctionDef, ast.AsyncFunctionDef)
    )
    long = [f"{f.place} {f.name}: {f.lines}" for f in functions if f.lines > LONGEST_FUNCTION]
    assert not long, listed(long)


def test_modules_have_one_job():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    long = [f"{place(path)}: {n}" for path, n in lengths.items() if n > LONGEST_MODULE]
    assert not long, listed(long)


def test_no_room_is_crowded_without_a_reason():
    rooms = Counter(place(path.parent) for path in modules() if path.name != "__init__.py")
    crowded = {room: count for room, count in rooms.items() if count > MOST_MODULES}
    explained = OPEN_ROOMS | LARGE_ROOMS.keys()
    unexplained = [f"{room}: {n}" for room, n in crowded.items() if room not in explained]
    assert not unexplained, listed(unexplained)
    assert not set(LARGE_ROOMS) - set(crowded), "these rooms need no exception any more"


def test_a_public_class_name_has_one_meaning():
    repeated = {name: places for name, places in public_classes().items() if len(places) > 1}
    unexplained = [
        f"{name}: {', '.join(places)}"
        for name, places in repeated.items()
        if name not in SAME_MEANING
    ]
    assert not unexplained, listed(unexplained)
    assert not set(SAME_MEANING) - set(repeated), "these names need no exception any more"


def test_vague_names_are_rare():
    by_module = {place(path): vague_names(path) for path in modules()}
    count = sum(names.total() for names in by_module.values())
    worst = sorted(by_module.items(), key=lambda item: -item[1].total())
    offenders = [f"{name}: {dict(names)}" for name, names in worst if names]
    assert count <= MOST_VAGUE, f"{count} names, in{listed(offenders)}"


def test_no_gate_kind_is_a_default():
    kinds = kind_names()
    assert {"Latency", "Query"} <= kinds, "gate kinds stand elsewhere now: mend KINDS"
    defaults = [branch for path in modules() for branch in default_branches(path, kinds)]
    assert not defaults, listed(defaults)


def test_the_source_root_is_not_a_package():
    """It would hide Python's own module `operator` from every `python -m` in this directory."""
    assert not (OPERATOR / "__init__.py").exists()


MATCH = "match rule:\n    case Query():\n        a()\n    case {}:\n        {}\n"
CHAIN = "if isinstance(r, {}):\n    a()\nelif isinstance(r, rules.Query):\n    b()\n{}\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (MATCH.format("_", "b()"), [1]),
        (MATCH.format("other", "b()"), [1]),
        (MATCH.format("Latency() | Trend()", "b()"), []),
        (MATCH.format("_", "assert_never(rule)"), []),
        (MATCH.replace("Query", "Point").format("_", "b()"), []),
        (CHAIN.format("Latency", "else:\n    c()"), [1]),
        (CHAIN.format("Latency", ""), []),
        (CHAIN.format("Latency", "else:\n    raise TypeError(r)"), []),
        (CHAIN.format("str", "else:\n    c()"), []),
    ],
)
def test_a_default_over_gate_kinds_is_noticed(source, expected):
    nodes = ast.walk(ast.parse(source))
    kinds = {"Query", "Latency"}
    assert [node.lineno for node in nodes if has_default(node, kinds)] == expected


def test_vague_names_are_counted_as_names_only(tmp_path):
    path = tmp_path / "module.py"
    path.write_text('"""each found"""\nseen = [each for each in told()]  # said\n')
    assert vague_names(path) == {"seen": 1, "each": 2, "told": 1}
