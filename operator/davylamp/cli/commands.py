"""Runs a command of `davylamp` and reports usage errors."""

from __future__ import annotations

import argparse
import sys

from davylamp.cli.errors import UsageError
from davylamp.cli.replay import command as replay
from davylamp.cli.simulate import command as simulate

BAD_USAGE = 2


def run(options: argparse.Namespace) -> int:
    """Run the command that the options name; returns the exit code."""
    command = {"replay": replay.run, "simulate": simulate.run}[options.command]
    try:
        return command(options)
    except UsageError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"davylamp {options.command}: {line}\n")
        return BAD_USAGE
    except BrokenPipeError:
        sys.stderr.close()
        return 0
