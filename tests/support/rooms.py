"""The rooms of the operator and who imports whom, read from the modules themselves.

`PYTHONPATH=operator:. python -m tests.support.rooms` prints both as the tables of
docs/ARCHITECTURE.md have them.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "operator" / "davylamp"


def folders() -> set[str]:
    """Every room and sub-room, as a path below the package."""
    found = (path.parent for path in PACKAGE.rglob("__init__.py"))
    return {str(path.relative_to(PACKAGE)) for path in found if path != PACKAGE}


def known_rooms(room: str) -> set[str]:
    """The other rooms that a room's modules import."""
    return {top for path in _imports(room) if (top := path.split("/")[0]) != room}


def known_siblings(folder: str) -> set[str]:
    """The sub-rooms of the same room that a sub-room imports, by their own names."""
    parent, _, name = folder.rpartition("/")
    inside = (
        path.removeprefix(f"{parent}/")
        for path in _imports(folder)
        if path.startswith(f"{parent}/")
    )
    own = {path.split("/")[0] for path in inside}
    return {sibling for sibling in own if f"{parent}/{sibling}" in folders()} - {name}


def _imports(folder: str) -> Iterator[str]:
    """Modules of the package that are imported below a folder, as paths."""
    for path in (PACKAGE / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("davylamp."):
                for alias in node.names:
                    yield f"{node.module}.{alias.name}".removeprefix("davylamp.").replace(".", "/")


def main() -> None:
    for folder in sorted(folders()):
        known = known_siblings(folder) if "/" in folder else known_rooms(folder)
        print(f"| `{folder}` | … | {', '.join(f'`{name}`' for name in sorted(known))} |")


if __name__ == "__main__":
    main()
