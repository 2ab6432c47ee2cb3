"""The commands that the README prints for 3 a.m., run as printed."""

import contextlib
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.printed import EXAMPLE_REVISION, Printed, at_night, pipeline, runbook
from tests.support.story import PAUSED_STEP, Story

from davylamp.api.names import Command, Reason
from lab import models
from lab.kubectl import command, kubectl

Json = dict[str, Any]


@contextlib.contextmanager
def shell(story: Story) -> Iterator[Callable[[Printed, str], str]]:
    """A shell whose kubectl talks to the local cluster, about a story's model."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "kubectl"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(command())} "$@"\n', encoding="utf-8")
        program.chmod(0o755)

        def run(printed: Printed, line: str) -> str:
            return printed.run(
                line, namespace=story.namespace, name=story.name, kubectl=Path(folder)
            )

        yield run


def answered(story: Story, command: str, answer: str) -> Json:
    """The answer to a command, once it is the last one."""

    def last() -> Json | None:
        answers = story.status().get("commands", [])
        return next((a for a in answers if (a["command"], a["answer"]) == (command, answer)), None)

    return story.wait(last, f"{command}: {answer}")


def pasted(story: Story, message: str) -> None:
    """The commands of a message, as a user pastes them; the last one for a story that has several."""
    words = shlex.split(message.split("`")[-2])
    assert words[0] == "kubectl"
    assert words[-2:] == ["-n", story.namespace]
    kubectl(*words[1:])


def test_p4_the_printed_commands_abort_retry_advance_promote(story: Story) -> None:
    printed = at_night()
    good = story.install("v1")
    with shell(story) as run:
        canary = story.apply(story.model("v3", steps=PAUSED_STEP))
        story.wait_holding(Reason.AWAITING_APPROVAL)
        run(printed, printed.command("annotate abort=$(revision_of stable)"))
        message = answered(story, "abort", "Refused")["message"]
        pasted(story, message)
        for _ in range(2):  # the same words, in two attempts
            assert story.wait_rejected(canary)["reason"] == Reason.ABORTED
            story.wait(lambda: story.admits(good) and not story.admits(canary), "it to be fenced")
            with pytest.raises(subprocess.CalledProcessError):
                run(pipeline(), pipeline().command("until "))
            pasted(story, models.condition(story.status(), "Stalled")["message"])
            story.wait_holding(Reason.AWAITING_APPROVAL)
            run(printed, printed.command("annotate abort=$(revision_of candidate)"))
        story.wait_rejected(canary)

        run(printed, printed.command("annotate retry="))
        story.wait_holding(Reason.AWAITING_APPROVAL)
        assert "Accepted" in run(printed, printed.command("kubectl -n $NS get $MODEL"))
        run(printed, printed.command("annotate advance="))
        story.wait_serving(canary)
        assert story.rejection(canary) is None

        hour = story.model(
            "v1",
            config={"RUN": "2"},
            steps=[{"weight": 50, "hold": "1h"}],
            rollout={"probation": "1h"},
        )
        second = story.apply(hour)
        story.wait_stage("Canary", second)
        run(printed, printed.command("annotate promote="))
        story.wait_serving(second)
        run(pipeline(), pipeline().command("until "))

        run(printed, printed.command("annotate abort=$(revision_of stable)"))
        assert story.wait_rejected(second)["reason"] == Reason.ABORTED
        story.wait(lambda: story.admits(canary) and not story.admits(second), "it to be fenced")
        assert story.status()["stable"]["revision"] == canary
    words = {command.value for command in Command}
    left = lambda: words & story.resource()["metadata"]["annotations"].keys()  # noqa: E731
    story.wait(lambda: not left(), "no command left on the object")


def test_p7_the_printed_undo_brings_the_whole_revision_back(story: Story) -> None:
    printed = at_night()
    plain = story.install("v1")
    rich = story.install("v3", config={"RUN": "2", "TEXT": "line 1\nline 2 \\n \"$HOME\" '%s'"})
    with shell(story) as run:
        undo = printed.command("undo ")
        with pytest.raises(subprocess.CalledProcessError) as failed:
            run(printed, undo.replace(EXAMPLE_REVISION, "0000000000"))
        assert "NotFound" in failed.value.stderr
        run(printed, undo.replace(EXAMPLE_REVISION, plain))
        story.wait_serving(plain)
        assert "config" not in story.resource()["spec"] or not story.resource()["spec"]["config"]

        longer = runbook("It has served for longer")
        run(longer, longer.command("undo ").replace(EXAMPLE_REVISION, rich))
        story.wait_serving(rich)
    story.install("v1")  # kubectl apply still knows what it applied
    assert [outcome for _, outcome in story.outcomes()[:3]] == ["Returned"] * 3
