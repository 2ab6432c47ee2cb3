"""A kubectl over a file: the few commands that documents print, and nothing else.

`install` writes a program called `kubectl`. It knows `get -o jsonpath` of one path, `annotate` and
`patch --type json` of the ModelDeployment, and fails for everything else, as kubectl does.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

Json = Any
MODEL = "modeldeployment.davylamp.dev"


def install(folder: Path, state: Json) -> None:
    """Put the program into a folder, over a state: objects by `kind/name`."""
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    program = folder / "kubectl"
    source = Path(__file__).read_text(encoding="utf-8")
    program.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
    program.chmod(0o755)


def stored(folder: Path) -> Json:
    """All objects as they are now."""
    return json.loads((folder / "state.json").read_text(encoding="utf-8"))


def main(arguments: list[str]) -> None:
    folder = Path(sys.argv[0]).parent
    state = stored(folder)
    match arguments:
        case ["-n", _, "get", kind, name, "-o", "name"]:
            _object(state, f"{kind}/{name}", [])
            sys.stdout.write(f"{kind}/{name}\n")
            return
        case ["-n", _, "get", resource, *rest] if "-o" in rest:
            value = _value(_object(state, resource, rest), rest[rest.index("-o") + 1])
            sys.stdout.write(value if isinstance(value, str) else json.dumps(value))
            return
        case ["-n", _, "annotate", "--overwrite", resource, annotation]:
            key, _, value = annotation.partition("=")
            _object(state, resource, [])["metadata"].setdefault("annotations", {})[key] = value
        case ["-n", _, "patch", resource, "--type", "json", "-p", patch]:
            for operation in json.loads(patch):
                assert operation["op"] == "add"
                root, field = re.fullmatch(r"/(\w+)/(\w+)", operation["path"]).groups()
                _object(state, resource, [])[root][field] = operation["value"]
        case _:
            raise SystemExit(f"error: unknown command {arguments}")
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")


def _object(state: Json, resource: str, rest: list[str]) -> Json:
    address = resource if "/" in resource else f"{resource}/{rest[0]}"
    if address not in state:
        raise SystemExit(f'Error from server (NotFound): "{address}" not found')
    return state[address]


def _value(item: Json, output: str) -> Json:
    """A jsonpath of fields and indices; what is not there is empty."""
    for part in re.findall(r"\w+", re.fullmatch(r"jsonpath=\{([\w.\[\]]+)\}", output)[1]):
        item = item[int(part)] if part.isdigit() else (item or {}).get(part, "")
    return item


if __name__ == "__main__":
    main(sys.argv[1:])
