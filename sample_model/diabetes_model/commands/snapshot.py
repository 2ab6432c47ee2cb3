"""``snapshot``: create, list, verify and fetch feature snapshots."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from diabetes_model import release, snapshots
from diabetes_model.snapshots import SnapshotError, fetching, writing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command for each thing that can be done with a snapshot."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, action: Callable[[argparse.Namespace], None], what: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what, description=what)
        added.set_defaults(action=action)
        return added

    create = command("create", _create, "write the snapshot of a release, or of recent traffic")
    origin = create.add_mutually_exclusive_group(required=True)
    origin.add_argument("--release", type=Path, help="TOML file that says what it is made of")
    origin.add_argument("--rows", type=Path, help="JSON object of features per line")
    create.add_argument("--id", help="name of a snapshot of --rows")
    create.add_argument("--out", type=Path, required=True, help="file, or folder for <id>.parquet")
    listed = command("list", _list, "list the snapshots of a folder or feature store")
    listed.add_argument("place", metavar="FOLDER-OR-URI")
    verify = command("verify", _verify, "check hash and data contract of a file")
    verify.add_argument("file", type=Path)
    verify.add_argument("--sha256")
    fetch = command("fetch", _fetch, f"fetch ({', '.join(fetching.PROTOCOLS)}) and check")
    fetch.add_argument("uri", metavar="URI")
    fetch.add_argument("--sha256", required=True)
    fetch.add_argument("--out", type=Path, required=True, help="file, or folder for the same name")


def run(options: argparse.Namespace) -> int:
    """Does what was asked; returns the exit code."""
    options.action(options)
    return 0


def _create(options: argparse.Namespace) -> None:
    if options.rows:
        if not options.id:
            raise SnapshotError("a snapshot of --rows needs an --id")
        path = writing.place(options.out, options.id)
        with options.rows.open() as lines:
            digest = snapshots.create_from_rows(lines, options.id, path)
    else:
        chosen = release.read(options.release)
        path = writing.place(options.out, chosen.recipe.id)
        digest = snapshots.create(chosen.recipe, path, sha256=chosen.sha256)
    sys.stdout.write(f"{digest}  {path}\n")


def _list(options: argparse.Namespace) -> None:
    for entry in snapshots.listing(options.place):
        rows = "?" if entry.rows is None else entry.rows
        state = entry.problem or "contract kept"
        sys.stdout.write(f"{entry.sha256}  {entry.id}  {rows} rows  {entry.bytes} bytes  {state}\n")


def _verify(options: argparse.Namespace) -> None:
    _say(snapshots.check(options.file, sha256=options.sha256), options.file)


def _fetch(options: argparse.Namespace) -> None:
    path = options.out
    if path.is_dir():
        path /= fetching.file_name(options.uri)
    _say(snapshots.fetch(options.uri, path, sha256=options.sha256), path)


def _say(facts: snapshots.Facts, path: Path) -> None:
    kind = f"{facts.kind.value} snapshot {facts.id}"
    sys.stdout.write(f"{facts.sha256}  {path}: {kind}, {facts.rows} rows, contract kept\n")
