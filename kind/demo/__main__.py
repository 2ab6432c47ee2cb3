"""`python -m demo`: sets up the local cluster, plays the demo, reports whether it kept its promises."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console

from demo import outcome
from demo.play import NAME, NAMESPACE, Play
from demo.show import show_for
from lab import metrics
from lab.kubectl import KubectlError, delete, get, kubectl, wait_until
from lab.models import RESOURCE


class SetUpError(RuntimeError):
    """The cluster or the operator could not be brought up; the reason was printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every promise was kept, 1 when not or when something broke."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--clean", action="store_true", help="remove what the demo made")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        return clean(console) if options.clean else play(console)
    except SetUpError as problem:
        console.print(f"[red]{problem}[/]")
        return 1
    except (KubectlError, TimeoutError) as problem:
        console.print(f"[bold red]The demo broke:[/] {problem}", highlight=False)
        explain(console)
        return 1
    except KeyboardInterrupt:
        console.print("stopped; `make demo` starts over, `make demo-clean` removes what it made")
        return 130


def clean(console: Console) -> int:
    """Remove the demo's namespace."""
    delete("namespace", NAMESPACE)
    wait_until(
        lambda: get("namespace", NAMESPACE) is None,
        timeout=120,
        what=f"namespace {NAMESPACE} to be deleted",
    )
    console.print(f"namespace {NAMESPACE} is deleted; `make cluster-down` deletes the cluster")
    return 0


def play(console: Console) -> int:
    """Set up, play, print the table."""
    tags = set_up(console)
    report = Play(tags, show_for(console)).run()
    kept = outcome.promises(report)
    console.print(outcome.table(report))
    for promise in kept:
        mark = "[green]kept[/]" if promise.kept else "[bold red]broken[/]"
        console.print(f"{mark}  {promise.text}", highlight=False)
    console.print(outcome.next_line(NAME, NAMESPACE), highlight=False, soft_wrap=True)
    if all(promise.kept for promise in kept):
        return 0
    explain(console)
    return 1


def set_up(console: Console) -> dict[str, str]:
    """The operator in the local cluster; the sample model's tags by release."""
    output = localcluster(console, "install")
    pairs = (line.partition("=") for line in output.splitlines() if "=" in line)
    return {release: tag for release, _, tag in pairs}


def localcluster(console: Console, command: str) -> str:
    """Run one of the local cluster's commands; its progress goes to the screen."""
    console.print(f"[bold]local cluster:[/] {command}")
    done = subprocess.run(
        [sys.executable, "-m", "localcluster", command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
        check=False,
    )
    if done.returncode:
        raise SetUpError(f"`localcluster {command}` failed with code {done.returncode}")
    return done.stdout


def explain(console: Console) -> None:
    """Print what helps to find out why: the status and the end of the operator's log."""
    try:
        console.rule("status")
        model = kubectl("get", f"{RESOURCE}/{NAME}", "-n", NAMESPACE, "-o", "yaml", check=False)
        console.print(model, markup=False, highlight=False, soft_wrap=True)
        console.rule("operator")
        console.print(metrics.logs(), markup=False, highlight=False, soft_wrap=True)
    except KubectlError as problem:
        console.print(f"(no more details: {problem})")


if __name__ == "__main__":
    sys.exit(main())
