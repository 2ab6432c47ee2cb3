"""The documents as tests read them: text, links, tables between markers, and blocks of shell."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RUNBOOKS = DOCS / "runbooks"
CHART = ROOT / "charts" / "davylamp"
DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted(DOCS.rglob("*.md")),
    CHART / "README.md",
)
_FENCED = re.compile(r"```.*?```", re.DOTALL)
_SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def links(path: Path) -> list[str]:
    """Targets of a page's links inside the repository."""
    targets = _LINK.findall(_FENCED.sub("", text(path)))
    return [target for target in targets if "://" not in target]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", text(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(path: Path, heading: str) -> str:
    """What a page has below a heading, up to the next one of its level."""
    level = heading.split(" ", 1)[0]
    _, found, rest = f"\n{text(path)}".partition(f"\n{heading}\n")
    assert found, f"{label(path)} has no {heading!r}"
    return re.split(rf"\n{level} ", rest)[0]


def rows(markdown: str) -> Iterator[tuple[str, ...]]:
    """The cells of all table rows in some text, without headings."""
    for line in markdown.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("|") and not re.fullmatch(r"[|\- ]+", line):
            yield tuple(cells)


def marked(path: Path, name: str, end: str | None = None) -> list[tuple[str, ...]]:
    """The rows of the table between two markers, without its heading."""
    closing = f"<!-- /{end or name} -->"
    _, found, rest = text(path).partition(f"<!-- {name} -->")
    assert found, f"{label(path)} has no table {name!r}"
    assert closing in rest, f"{label(path)} does not end its table {name!r}"
    return list(rows(rest.split(closing)[0]))[1:]


def code(cell: str) -> list[str]:
    """What is set as code in a cell."""
    return _CODE.findall(cell)


def shell(markdown: str) -> str:
    """All shell of a section, as one script."""
    return "\n".join(_SHELL.findall(markdown))
