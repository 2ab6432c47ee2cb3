"""Snapshots, training, serving, the feature store and the nightly job of the sample model."""

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class Command:
    """One family of commands: what ``--help`` says, and the module that does it."""

    help: str
    module: str

    def load(self) -> Any:
        """The module, imported only for the command that was asked for: libraries are heavy."""
        return importlib.import_module(self.module)


COMMANDS: Mapping[str, Command] = {
    "snapshot": Command(
        "create, list, verify and fetch feature snapshots", "diabetes_model.commands.snapshot"
    ),
    "train": Command("train from a snapshot and a seed", "diabetes_model.commands.train"),
    "serve": Command(
        "serve the model, configured by the environment", "diabetes_model.commands.serve"
    ),
    "feature-store": Command("serve snapshots over HTTP", "diabetes_model.feature_store"),
    "drift": Command("the nightly job: have explanations drifted?", "diabetes_model.drift.command"),
}


SERVERS = {"serve", "feature-store"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code, 1 with one line on stderr for a bad input."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in words if not word.startswith("-")), None)
    options = _parser(chosen).parse_args(words)
    try:
        return int(options.run(options))
    except (ValueError, RuntimeError, OSError) as error:
        sys.stderr.write(f"{chosen}: {_one_line(error)}\n")
        return 1


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="diabetes_model", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        family = commands.add_parser(name, help=command.help)
        if name == chosen:
            module = command.load()
            family.set_defaults(run=module.run)
            module.add_arguments(family)
    return parser


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _leave(code: int) -> NoReturn:
    """Ends the process with its answer, whatever the libraries do while they are taken down.

    Native libraries have been seen to abort it (SIGABRT) after all was written.
    Servers go the long way: there is more to be closed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if SERVERS.isdisjoint(sys.argv):
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    _leave(main())
