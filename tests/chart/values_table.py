"""The table of values in the chart's README, made from the comments in values.yaml.

`python tests/chart/values_table.py` writes it into the README; a test holds the two together.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts" / "davylamp"
BEGIN, END = "<!-- values: begin -->", "<!-- values: end -->"


def documented(text: str) -> dict[str, str]:
    """Path of every value that carries a `# --` comment, to that comment in one line."""
    found: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("# --"):
            comment = [stripped.removeprefix("# --").strip()]
        elif stripped.startswith("#") and comment:
            comment.append(stripped.removeprefix("#").strip())
        elif match := re.match(r"( *)([A-Za-z]+):", line):
            indent = len(match[1])
            path = [*(step for step in path if step[0] < indent), (indent, match[2])]
            if comment:
                found[".".join(key for _, key in path)] = " ".join(comment)
            comment = []
    return found


def value_at(values: Any, path: str) -> Any:
    for key in path.split("."):
        values = values[key]
    return values


def table(text: str) -> str:
    """Markdown rows of name, default and meaning, in the order of values.yaml."""
    values = yaml.safe_load(text)
    rows = ["| Value | Default | Meaning |", "| --- | --- | --- |"]
    for path, comment in documented(text).items():
        default = json.dumps(value_at(values, path)).replace("|", "\\|")
        rows.append(f"| `{path}` | `{default}` | {comment.replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def with_table(readme: str, text: str) -> str:
    """The README with its table replaced by the one for these values."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(text)}\n{END}{after}"


def main() -> None:
    readme = CHART / "README.md"
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
