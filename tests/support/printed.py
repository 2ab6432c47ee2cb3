"""Commands as the documents print them, run as printed; only the names of things are filled in."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.documents import ROOT, RUNBOOKS, code, rows, section, shell, text

EXAMPLE = "NS=models NAME=diabetes-risk"
"""How each script of the documents begins."""
EXAMPLE_REVISION = "f1579bf87b"
SECONDS = 60


@dataclass(frozen=True)
class Printed:
    """Variables and functions, and the commands that come after them."""

    definitions: str
    commands: tuple[str, ...]

    def command(self, start: str) -> str:
        """The only command that begins so."""
        (line,) = [line for line in self.commands if line.startswith(start)]
        return line

    def run(self, command: str, *, namespace: str, name: str, kubectl: Path) -> str:
        """What a command prints; `kubectl` is the folder of the program of that name.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        assert command in self.commands or EXAMPLE_REVISION not in command
        assert self.definitions.count(EXAMPLE) == 1
        definitions = self.definitions.replace(EXAMPLE, f"NS={namespace} NAME={name}")
        done = subprocess.run(
            ["bash", "-c", f"{definitions}\n{command}\n"],
            env={**os.environ, "PATH": f"{kubectl}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise subprocess.CalledProcessError(
                done.returncode, command, output=done.stdout, stderr=done.stderr
            )
        return done.stdout


def at_night() -> Printed:
    """The README's part for 3 a.m."""
    part = section(ROOT / "README.md", "## At 3 a.m.")
    *definitions, answers = shell(part).strip().splitlines()
    commands = (command for row in list(rows(part))[1:] for command in code(row[1]))
    return Printed("\n".join(definitions), (*commands, answers))


def pipeline() -> Printed:
    """What the README has for pipelines: the last line waits and is the result."""
    *definitions, wait = (
        shell(section(ROOT / "README.md", "## Read the status")).strip().splitlines()
    )
    return Printed("\n".join(definitions), (wait,))


def runbook(heading: str) -> Printed:
    """A part of the runbook for rolling back: the page's variables, then all lines of the part."""
    page = RUNBOOKS / "roll-back-a-model.md"
    variables = "\n".join(shell(text(page)).splitlines()[:2])
    *definitions, command = shell(section(page, f"## {heading}")).strip().splitlines()
    return Printed("\n".join([variables, *definitions]), (command,))
